package bigquerytest

import (
	"strings"

	bq "google.golang.org/api/bigquery/v2"
)

// types has BigQuery's types by DuckDB's. BigQuery has one type of integers, and calls a
// timestamp without a time zone DATETIME.
var types = map[string]string{
	"VARCHAR": "STRING", "BIGINT": "INTEGER", "INTEGER": "INTEGER", "DOUBLE": "FLOAT", "BOOLEAN": "BOOLEAN", "HUGEINT": "NUMERIC",
	"TIMESTAMP WITH TIME ZONE": "TIMESTAMP", "TIMESTAMP": "DATETIME", "DATE": "DATE", "TIME": "TIME", "JSON": "JSON", "INTERVAL": "INTERVAL",
}

// fieldOf returns the field of a column of DuckDB's type.
func fieldOf(name, kind string) *bq.TableFieldSchema {
	f := &bq.TableFieldSchema{Name: name, Mode: "NULLABLE"}
	if element, ok := strings.CutSuffix(kind, "[]"); ok {
		f = fieldOf(name, element)
		f.Mode = "REPEATED"
		return f
	}
	switch inner, isStruct := strings.CutPrefix(kind, "STRUCT("); {
	case isStruct:
		f.Type = "RECORD"
		for _, member := range members(strings.TrimSuffix(inner, ")")) {
			name, kind, _ := strings.Cut(member, " ")
			f.Fields = append(f.Fields, fieldOf(strings.Trim(name, `"`), kind))
		}
	case strings.HasPrefix(kind, "DECIMAL"):
		f.Type = "NUMERIC"
	case types[kind] != "":
		f.Type = types[kind]
	default:
		f.Type = "STRING"
	}
	return f
}

// members splits the members of a STRUCT at the commas outside of parentheses.
func members(text string) (list []string) {
	depth, from := 0, 0
	for i, c := range text {
		switch c {
		case '(':
			depth++
		case ')':
			depth--
		case ',':
			if depth == 0 {
				list = append(list, strings.TrimSpace(text[from:i]))
				from = i + 1
			}
		}
	}
	return append(list, strings.TrimSpace(text[from:]))
}
