package bigquerytest

import (
	"context"
	"regexp"
	"strings"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery/bigqueryfake"
)

// A merge is a MERGE whose rows never match: it deletes rows of the table by a condition,
// and inserts the rows of the source.
type merge struct{ table, source, condition, columns string }

var mergeForm = regexp.MustCompile("(?s)^MERGE (`[^`]+`) t\nUSING \\(\n(.*)\n\\) s\nON FALSE\n" +
	`WHEN NOT MATCHED BY SOURCE AND (.*) THEN DELETE` + "\n" + `WHEN NOT MATCHED BY TARGET THEN INSERT \((.*)\) VALUES \(.*\)$`)

// inlined matches the query of a table function, after a comment with the function's call.
var inlined = regexp.MustCompile(`(?s)\( -- (\w+\([^)]*\))\n.*\n\) d\n`)

func mergeOf(sql string) (m merge, ok bool) {
	parts := mergeForm.FindStringSubmatch(sql)
	if parts == nil {
		return m, false
	}
	table := translated(parts[1])
	schema, _, _ := strings.Cut(table, ".")
	// DuckDB has the function, with a query in its own dialect.
	source := inlined.ReplaceAllString(parts[2], schema+".$1 d\n")
	return merge{table: table, source: translated(source), condition: parts[3], columns: parts[4]}, true
}

func (m *merge) plan(ctx context.Context, r warehouse.Reader) (bigqueryfake.Plan, error) {
	table, err := warehouse.ReadTable(ctx, r, "EXPLAIN (FORMAT json) "+m.source)
	if err != nil {
		return bigqueryfake.Plan{}, mistake(err)
	}
	p, err := planOf(table.Rows[0][1].(string)) //nolint:errcheck,forcetypeassert // EXPLAIN has a text
	p.StatementType = "MERGE"
	return p, err
}

func (m *merge) run(ctx context.Context, r warehouse.Reader) (*bigqueryfake.Result, error) {
	all, err := warehouse.ReadTable(ctx, r, "SELECT "+m.columns+" FROM "+m.table)
	if err != nil {
		return nil, err
	}
	kept, err := warehouse.ReadTable(ctx, r, "SELECT "+m.columns+" FROM "+m.table+" t WHERE NOT coalesce("+m.condition+", false)")
	if err != nil {
		return nil, err
	}
	added, err := warehouse.ReadTable(ctx, r, "SELECT "+m.columns+" FROM ("+m.source+")")
	if err != nil {
		return nil, err
	}
	name := m.table[strings.LastIndexByte(m.table, '.')+1:]
	merged := &bigqueryfake.Merged{
		Table: strings.Trim(name, `"`), Inserted: int64(len(added.Rows)), Deleted: int64(len(all.Rows) - len(kept.Rows)),
	}
	for _, row := range append(kept.Rows, added.Rows...) {
		values := map[string]any{}
		for i, c := range kept.Columns {
			values[c] = row[i]
		}
		merged.Rows = append(merged.Rows, values)
	}
	return &bigqueryfake.Result{Merged: merged}, nil
}
