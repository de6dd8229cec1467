// Package bigquerytest is a fake BigQuery that answers queries, for the tests of readers.
// DuckDB runs the statements over the rows of the fake, so tests use statements of both
// dialects. The tests prove rows, names and columns. GoogleSQL itself may refuse the
// statement: "make sql" checks the SQL of this module with Google's analyzer.
package bigquerytest

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery/bigqueryfake"
	"github.com/cioevents/cioevents/internal/warehouse/duckdb"
	"github.com/cioevents/cioevents/internal/warehouse/duckdbsql"
)

// Start starts a fake BigQuery that answers queries, until the end of the test.
func Start(t *testing.T, cfg bigqueryfake.Config) *bigqueryfake.Server {
	t.Helper()
	cfg.Engine = &engine{tables: copies{dir: t.TempDir(), last: map[string]fileCopy{}}}
	server, err := bigqueryfake.Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	return server
}

// An engine runs statements in DuckDB, over copies of the tables. It implements
// bigqueryfake.Engine and bigqueryfake.Changer.
type engine struct{ tables copies }

// Plan implements bigqueryfake.Engine.
func (e *engine) Plan(ctx context.Context, q bigqueryfake.Query) (bigqueryfake.Plan, error) {
	if p, ok := planDML(q.SQL); ok {
		return p, nil
	}
	if inserts.MatchString(q.SQL) { // DuckDB has the tables as views
		return bigqueryfake.Plan{StatementType: "INSERT"}, nil
	}
	r, err := e.open(ctx, q)
	if err != nil {
		return bigqueryfake.Plan{}, err
	}
	defer r.Close()
	if m, ok := mergeOf(q.SQL); ok {
		return m.plan(ctx, r)
	}
	table, err := warehouse.ReadTable(ctx, r, "EXPLAIN (FORMAT json) "+translated(q.SQL))
	switch {
	case err != nil && strings.Contains(err.Error(), "want one statement"):
		return bigqueryfake.Plan{StatementType: "SCRIPT"}, nil
	case err != nil:
		return bigqueryfake.Plan{}, mistake(err)
	case len(table.Rows) == 0: // DuckDB shows plans of statements that read
		return bigqueryfake.Plan{StatementType: strings.ToUpper(strings.Fields(q.SQL)[0])}, nil
	}
	return planOf(fmt.Sprint(table.Rows[0][1]))
}

// Run implements bigqueryfake.Engine.
func (e *engine) Run(ctx context.Context, q bigqueryfake.Query) (*bigqueryfake.Result, error) {
	r, err := e.open(ctx, q)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	if m, ok := mergeOf(q.SQL); ok {
		return m.run(ctx, r)
	}
	columns, err := warehouse.ReadTable(ctx, r, "DESCRIBE "+translated(q.SQL))
	if err != nil {
		return nil, err
	}
	rows, err := warehouse.ReadTable(ctx, r, translated(q.SQL))
	if err != nil {
		return nil, err
	}
	result := &bigqueryfake.Result{Rows: rows.Rows}
	for _, c := range columns.Rows {
		result.Fields = append(result.Fields, fieldOf(fmt.Sprint(c[0]), fmt.Sprint(c[1])))
	}
	return result, nil
}

// open opens a DuckDB with the rows and the views of the dataset.
func (e *engine) open(ctx context.Context, q bigqueryfake.Query) (*duckdb.Reader, error) {
	e.tables.mu.Lock()
	defer e.tables.mu.Unlock()
	var script strings.Builder
	script.WriteString("CREATE SCHEMA " + q.Dataset + "; SET search_path = '" + q.Dataset + ",main'; SET default_null_order = 'nulls_first';\n")
	for name, columns := range map[string][]warehouse.Column{bigquery.Raw: warehouse.Columns(), bigquery.NamesRaw: warehouse.NameColumns(), warehouse.Rollup: warehouse.RollupColumns()} {
		if q.Server.Table(q.Project, q.Dataset, name) == nil {
			continue
		}
		attach, err := e.tables.attach(ctx, q, name, columns)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&script, "%s CREATE VIEW %s AS SELECT * EXCLUDE (%s) FROM \"copy of %[2]s\".%[2]s;\n", attach, name, place)
	}
	for _, name := range []string{warehouse.Events, warehouse.Names, warehouse.Settings} {
		if view := q.Server.Table(q.Project, q.Dataset, name); view != nil {
			fmt.Fprintf(&script, "CREATE VIEW %s.%s AS %s;\n", q.Dataset, name, translated(view.View.Query))
		}
	}
	if q.Server.Table(q.Project, q.Dataset, warehouse.Deliveries) != nil {
		script.WriteString(strings.Join(duckdbsql.Views(duckdbsql.Store{Schema: q.Dataset, Fill: warehouse.HealthSQL}), "\n"))
	}
	return duckdb.OpenFolder(ctx, "", script.String())
}

var duckTypes = map[warehouse.Type]string{
	warehouse.Text: "VARCHAR", warehouse.Integer: "BIGINT", warehouse.Boolean: "BOOLEAN",
	warehouse.Timestamp: "TIMESTAMPTZ", warehouse.JSON: "JSON", warehouse.Date: "DATE",
}

func columnTypes(columns []warehouse.Column) string {
	var list []string
	for _, c := range columns {
		list = append(list, fmt.Sprintf("%q: '%s'", c.Name, duckTypes[c.Type]))
	}
	return strings.Join(list, ", ")
}

var quoted = regexp.MustCompile("`([^`]+)`")

// translated replaces GoogleSQL's quotes of names, the project of a name, and some
// functions.
func translated(sql string) string {
	return quoted.ReplaceAllStringFunc(functions.Replace(sql), func(name string) string {
		parts := strings.Split(strings.Trim(name, "`"), ".")
		return `"` + strings.Join(parts[max(0, len(parts)-2):], `"."`) + `"`
	})
}

var (
	missingTable  = regexp.MustCompile(`no table or view (\S+):`)
	missingColumn = regexp.MustCompile(`Referenced column "([^"]+)" not found`)
	syntax        = regexp.MustCompile(`syntax error at or near "([^"]+)"`)
)

// mistake returns BigQuery's error for an error of DuckDB. The texts are from
// https://github.com/metabase/metabase/issues/20514 and
// https://cloud.google.com/bigquery/docs/error-messages.
func mistake(err error) error {
	text := err.Error()
	if m := missingTable.FindStringSubmatch(text); m != nil {
		return &bigqueryfake.MissingTableError{Name: m[1]}
	}
	if m := missingColumn.FindStringSubmatch(text); m != nil {
		return errors.New("Unrecognized name: " + m[1] + " at [1:8]")
	}
	if m := syntax.FindStringSubmatch(text); m != nil {
		return errors.New(`Syntax error: Unexpected "` + m[1] + `" at [1:1]`)
	}
	if strings.Contains(text, "at end of input") {
		return errors.New("Syntax error: Unexpected end of statement at [1:1]") //nolint:staticcheck // BigQuery's words
	}
	return err
}
