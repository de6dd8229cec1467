package duckdb

import (
	"context"
	_ "embed"
	"fmt"
	"strings"

	"github.com/cioevents/cioevents/internal/warehouse"
)

//go:embed views.sql
var viewsSQL string

// migrate makes the table and the views what this program knows. It adds and
// never takes away, so that an older program goes on beside a newer one.
func (s *Sink) migrate(ctx context.Context) error {
	schema := quote(s.cfg.Schema)
	table := schema + "." + warehouse.Events
	definitions := make([]string, len(s.columns))
	for i, c := range s.columns {
		definitions[i] = quote(c.Name) + " " + sqlTypes[c.Type]
		if c.Required {
			definitions[i] += " NOT NULL"
		}
	}
	statements := []string{
		"CREATE SCHEMA IF NOT EXISTS " + schema,
		fmt.Sprintf("CREATE TABLE IF NOT EXISTS %s (%s)", table, strings.Join(definitions, ", ")),
	}
	for _, c := range s.columns {
		statements = append(statements, fmt.Sprintf("ALTER TABLE %s ADD COLUMN IF NOT EXISTS %s %s", table, quote(c.Name), sqlTypes[c.Type]))
	}
	statements = append(statements, viewStatements(schema)...)
	if s.cfg.Schema != "main" {
		// So that the plain shell finds them without a schema.
		for _, name := range append([]string{warehouse.Events}, warehouse.Views()...) {
			statements = append(statements, fmt.Sprintf("CREATE OR REPLACE VIEW main.%[1]s AS SELECT * FROM %[2]s.%[1]s", name, schema))
		}
	}
	// Replaying DDL from the write-ahead log has been a source of trouble.
	return s.file.exec(ctx, append(statements, "CHECKPOINT")...)
}

func viewStatements(schema string) []string {
	var statements []string
	for _, text := range strings.SplitAfter(strings.ReplaceAll(viewsSQL, "{schema}", schema), ";\n") {
		if text = strings.TrimSpace(text); text != "" {
			statements = append(statements, text)
		}
	}
	return statements
}
