package duckdb

import (
	"context"
	"fmt"
	"strings"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/duckdbsql"
)

// migrate makes the table and the views what this program knows. It adds and
// never takes away, so that an older program goes on beside a newer one.
func (s *Sink) migrate(ctx context.Context) error {
	return s.file.exec(ctx, statements(s.cfg.Schema, s.columns)...)
}

// Statements returns what Open does in the default schema, in an order in which
// it can be run, also again.
func Statements() []string { return statements(warehouse.DefaultSchema, warehouse.Columns()) }

func statements(name string, columns []warehouse.Column) []string {
	schema := quote(name)
	table := schema + "." + warehouse.Events
	definitions := make([]string, len(columns))
	for i, c := range columns {
		definitions[i] = quote(c.Name) + " " + sqlTypes[c.Type]
		if c.Required {
			definitions[i] += " NOT NULL"
		}
	}
	list := []string{
		"CREATE SCHEMA IF NOT EXISTS " + schema,
		fmt.Sprintf("CREATE TABLE IF NOT EXISTS %s (%s)", table, strings.Join(definitions, ", ")),
	}
	for _, c := range columns {
		list = append(list, fmt.Sprintf("ALTER TABLE %s ADD COLUMN IF NOT EXISTS %s %s", table, quote(c.Name), sqlTypes[c.Type]))
	}
	list = append(list, duckdbsql.Views(schema)...)
	if name != "main" {
		// So that the plain shell finds them without a schema.
		for _, view := range append([]string{warehouse.Events}, warehouse.Views()...) {
			list = append(list, fmt.Sprintf("CREATE OR REPLACE VIEW main.%[1]s AS SELECT * FROM %[2]s.%[1]s", view, schema))
		}
	}
	// Replaying DDL from the write-ahead log has been a source of trouble.
	return append(list, "CHECKPOINT")
}
