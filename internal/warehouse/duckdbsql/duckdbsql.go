// Package duckdbsql has the SQL that both warehouses for DuckDB share: a database
// file, and a folder of Parquet files.
package duckdbsql

import (
	_ "embed" // for the views
	"fmt"
	"strings"
)

//go:embed views.sql
var views string

// Views returns the statements that create the analysts' views over the table of
// events in a schema. The caller quotes the schema's name where SQL needs quotes.
func Views(schema string) []string {
	var statements []string
	for text := range strings.SplitAfterSeq(strings.ReplaceAll(views, "{schema}", schema), ";\n") {
		if text = strings.TrimSpace(text); text != "" {
			statements = append(statements, text)
		}
	}
	return statements
}

// JSON returns an expression that reads a column's text as JSON. A text that DuckDB
// cannot parse becomes a JSON string of the text. Unchanged, the text would fail
// every query that looks into the column.
func JSON(column string) string {
	return fmt.Sprintf("coalesce(TRY_CAST(%[1]s AS JSON), to_json(%[1]s))", column)
}
