// Package duckdbsql is the SQL that every warehouse has in common which DuckDB
// reads: a database file, and a folder of Parquet files.
package duckdbsql

import (
	_ "embed" // for the views
	"fmt"
	"strings"
)

//go:embed views.sql
var views string

// Views returns the statements that make the analysts' views over the table of
// events in a schema, whose name is quoted where it has to be.
func Views(schema string) []string {
	var statements []string
	for text := range strings.SplitAfterSeq(strings.ReplaceAll(views, "{schema}", schema), ";\n") {
		if text = strings.TrimSpace(text); text != "" {
			statements = append(statements, text)
		}
	}
	return statements
}

// JSON returns an expression for a column's text as JSON. A text that is no JSON
// to DuckDB becomes a JSON text with that in it: as it is, it would make every
// query fail that looks into the column.
func JSON(column string) string {
	return fmt.Sprintf("coalesce(TRY_CAST(%[1]s AS JSON), to_json(%[1]s))", column)
}
