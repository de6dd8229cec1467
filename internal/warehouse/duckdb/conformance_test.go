package duckdb_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/duckdb"
	"github.com/cioevents/cioevents/internal/warehouse/warehousetest"
)

// A place is a database file, as the suite knows a warehouse.
type place struct{ path string }

func start(t *testing.T) warehousetest.Warehouse {
	t.Helper()
	return place{path: filepath.Join(t.TempDir(), "deeper", "e.duckdb")}
}

func (p place) Sink(t *testing.T) warehouse.Sink {
	t.Helper()
	sink, err := duckdb.New(duckdb.Config{Path: p.path})
	if err != nil {
		t.Fatal(err)
	}
	return sink
}

func (p place) Read(t *testing.T) []map[string]any {
	t.Helper()
	columns := warehouse.Columns()
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = fmt.Sprintf("%q", c.Name)
		if c.Type == warehouse.JSON {
			names[i] += "::VARCHAR" // the driver decodes JSON
		}
	}
	table, err := duckdb.Query(t.Context(), p.path, "SELECT "+strings.Join(names, ", ")+" FROM customerio_events")
	if err != nil {
		t.Fatal(err)
	}
	rows := make([]map[string]any, len(table.Rows))
	for i, values := range table.Rows {
		rows[i] = map[string]any{}
		for j, c := range columns {
			rows[i][c.Name] = values[j]
		}
	}
	return rows
}

func (p place) query(t *testing.T, statement string) [][]any {
	t.Helper()
	table, err := duckdb.Query(t.Context(), p.path, statement)
	if err != nil {
		t.Fatal(err)
	}
	return table.Rows
}

func TestConformance(t *testing.T) {
	t.Parallel()
	warehousetest.Run(t, warehousetest.Features{Older: older, Strict: strict, Poison: poison}, start)
}

// The suite with each batch in a group.
func TestConformanceOfGroups(t *testing.T) {
	t.Parallel()
	warehousetest.Run(t, warehousetest.Features{Older: older, Strict: strict, Poison: poison}, func(t *testing.T) warehousetest.Warehouse {
		t.Helper()
		return groupPlace{start(t).(place)}
	})
}

type groupPlace struct{ place }

func (p groupPlace) Sink(t *testing.T) warehouse.Sink {
	t.Helper()
	return groupSink{p.place.Sink(t).(*duckdb.Sink)}
}

// A groupSink stages each batch and waits for its group.
type groupSink struct{ *duckdb.Sink }

func (s groupSink) Write(ctx context.Context, rows []warehouse.Row) (warehouse.Result, error) {
	result, group, err := s.Stage(ctx, rows)
	if err == nil && group != nil {
		err = group.Wait(ctx)
	}
	if err != nil {
		return warehouse.Result{}, err
	}
	return result, nil
}

// DuckDB takes every row into a table of ours. In one that its owner has made,
// with a rule of his own, some rows are poison.
func strict(t *testing.T, w warehousetest.Warehouse) {
	t.Helper()
	createTable(t, pathOf(w), warehouse.Columns(), "CHECK (subject <> 'ann@example.com')")
}

func poison(r *warehouse.Row) { r.Subject = "ann@example.com" }

func TestViews(t *testing.T) {
	t.Parallel()
	p := place{path: filepath.Join(t.TempDir(), "e.duckdb")}
	warehousetest.Views(t, p, p.query)
}

// The views have the columns of the dictionary, in order and with their types.
func TestViewsAreThoseOfTheDictionary(t *testing.T) {
	t.Parallel()
	p := place{path: filepath.Join(t.TempDir(), "e.duckdb")}
	if err := p.Sink(t).Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, v := range warehouse.Dictionary() {
		var want [][]any
		for _, c := range v.Columns {
			want = append(want, []any{c.Name, sqlTypes[c.Type]})
		}
		for _, from := range []string{v.Name, v.Name + warehouse.Between + "('2026-01-01', DATE '2026-01-31')"} {
			got := p.query(t, "SELECT column_name, replace(column_type, 'TIMESTAMP WITH TIME ZONE', 'TIMESTAMPTZ') FROM (DESCRIBE FROM "+from+")")
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-dictionary +view):\n%s", from, diff)
			}
		}
	}
}

// The views equal a count in Go of simulated events of all kinds.
func TestViewsAreRecounted(t *testing.T) {
	t.Parallel()
	p := place{path: filepath.Join(t.TempDir(), "e.duckdb")}
	warehousetest.Recount(t, p, warehousetest.MixedRows(4000, 7), p.query)
}

func TestViewsOfASimulation(t *testing.T) {
	t.Parallel()
	p := place{path: filepath.Join(t.TempDir(), "e.duckdb")}
	warehousetest.Simulated(t, p, warehousetest.Simulation(), p.query)
}

func TestHealthViews(t *testing.T) {
	t.Parallel()
	p := place{path: filepath.Join(t.TempDir(), "e.duckdb")}
	warehousetest.HealthViews(t, p, p.query)
}

// DuckDB finds the same refusals as Row.Refusal.
func TestRefusals(t *testing.T) {
	t.Parallel()
	p := place{path: filepath.Join(t.TempDir(), "e.duckdb")}
	open(t, p.path)
	for _, c := range warehousetest.Refusals() {
		text := "'" + strings.ReplaceAll(c.Text, "'", "''") + "'"
		rows := p.query(t, warehouse.HealthSQL("SELECT CASE WHEN regexp_matches("+text+", '{unauthenticated_pattern}') THEN 'unauthenticated' WHEN regexp_matches("+text+", '{blocked_pattern}') THEN 'blocked' ELSE '' END"))
		if got := rows[0][0]; got != c.Want {
			t.Errorf("DuckDB finds %q in %q, want %q", got, c.Text, c.Want)
		}
	}
}

func older(t *testing.T, w warehousetest.Warehouse) {
	t.Helper()
	createTable(t, pathOf(w), warehousetest.OlderColumns())
}

// createTable makes the table of events without this package, with more clauses
// after its columns.
func createTable(t *testing.T, path string, columns []warehouse.Column, more ...string) {
	t.Helper()
	var clauses []string
	for _, c := range columns {
		clauses = append(clauses, fmt.Sprintf("%q %s", c.Name, sqlTypes[c.Type]))
	}
	mustRun(t, path, "CREATE SCHEMA messaging",
		"CREATE TABLE messaging.customerio_events ("+strings.Join(append(clauses, more...), ", ")+")")
}

var sqlTypes = []string{"VARCHAR", "BIGINT", "BOOLEAN", "TIMESTAMPTZ", "JSON", "DOUBLE", "DATE"}

// mustRun runs statements on the file without this package, as a person would.
func mustRun(t *testing.T, path string, statements ...string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("duckdb", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, s := range statements {
		if _, err := db.ExecContext(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
}

func TestNotes(t *testing.T) {
	t.Parallel()
	warehousetest.Notes(t, start, func(t *testing.T, w warehousetest.Warehouse, table string, columns []string) [][]any {
		t.Helper()
		return w.(place).query(t, "SELECT "+strings.Join(columns, ", ")+" FROM "+table)
	})
}

func pathOf(w warehousetest.Warehouse) string {
	if p, ok := w.(groupPlace); ok {
		return p.path
	}
	return w.(place).path
}
