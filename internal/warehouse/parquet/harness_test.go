package parquet_test

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	_ "github.com/duckdb/duckdb-go/v2"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/parquet"
	"github.com/cioevents/cioevents/internal/warehouse/warehousetest"
)

// A folder is a warehouse under test, which DuckDB reads.
type folder struct{ dir string }

func newFolder(t *testing.T) folder {
	t.Helper()
	return folder{t.TempDir()}
}

// Sink returns a new sink on the folder, as another process would make it.
func (f folder) Sink(t *testing.T) warehouse.Sink {
	t.Helper()
	sink, err := parquet.New(parquet.Config{Dir: f.dir})
	if err != nil {
		t.Fatal(err)
	}
	return sink
}

// Open returns a sink that is open.
func (f folder) Open(t *testing.T) warehouse.Sink {
	t.Helper()
	sink := f.Sink(t)
	if err := sink.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	return sink
}

// Read returns what a reader sees: each event once.
func (f folder) Read(t *testing.T) []map[string]any {
	t.Helper()
	var names []string
	for _, c := range warehouse.Columns() {
		name := fmt.Sprintf("%q", c.Name)
		if c.Type == warehouse.JSON {
			name += "::VARCHAR AS " + name
		}
		names = append(names, name)
	}
	columns, rows := f.Query(t, "SELECT "+strings.Join(names, ", ")+" FROM customerio_events")
	table := make([]map[string]any, len(rows))
	for i, r := range rows {
		table[i] = make(map[string]any)
		for j, v := range r {
			if at, ok := v.(time.Time); ok {
				v = at.UTC()
			}
			table[i][columns[j]] = v
		}
	}
	return table
}

// Query asks DuckDB, in a session as the folder's views.sql makes it.
func (f folder) Query(t *testing.T, query string) (columns []string, rows [][]any) {
	t.Helper()
	db := f.session(t)
	defer db.Close()
	return ask(t, db, query)
}

func (f folder) session(t *testing.T) *sql.DB {
	t.Helper()
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(t.Context(), parquet.Views(f.dir)); err != nil {
		t.Fatal(err)
	}
	return db
}

func ask(t *testing.T, db *sql.DB, query string) (columns []string, rows [][]any) {
	t.Helper()
	result, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer result.Close()
	if columns, err = result.Columns(); err != nil {
		t.Fatal(err)
	}
	for result.Next() {
		values, targets := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			targets[i] = &values[i]
		}
		if err := result.Scan(targets...); err != nil {
			t.Fatal(err)
		}
		rows = append(rows, values)
	}
	if err := result.Err(); err != nil {
		t.Fatal(err)
	}
	return columns, rows
}

// want is what a reader must see of the rows.
func want(rows []warehouse.Row) []map[string]any {
	table := make([]map[string]any, len(rows))
	for i := range rows {
		table[i] = make(map[string]any)
		for _, c := range warehouse.Columns() {
			table[i][c.Name] = warehousetest.Value(&c, &rows[i])
		}
	}
	return table
}
