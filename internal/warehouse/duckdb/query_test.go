package duckdb_test

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/duckdb"
	"github.com/cioevents/cioevents/internal/warehouse/warehousetest"
)

func TestOpenFolder(t *testing.T) {
	t.Parallel()
	r, err := duckdb.OpenFolder(t.Context(), t.TempDir(), "CREATE VIEW a AS SELECT 1 AS i; CREATE VIEW b AS SELECT i + 1 AS j FROM a;")
	if err != nil {
		t.Fatal(err)
	}
	table, err := warehouse.ReadTable(t.Context(), r, "FROM b")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&warehouse.Table{Columns: []string{"j"}, Rows: [][]any{{int64(2)}}}, table); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
	if err := r.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	if _, err := duckdb.OpenFolder(t.Context(), t.TempDir(), "nonsense"); err == nil {
		t.Error("a script that is no SQL opens")
	}
}

// The kind of fault: names of two schemas are listed as if they were two tables.
func TestShowTables(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "e.duckdb")
	if _, err := open(t, path).Store(t.Context()); err != nil {
		t.Fatal(err)
	}
	table, err := duckdb.Query(t.Context(), path, " show\tTABLES ;")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for _, row := range table.Rows {
		seen[fmt.Sprint(row[0])]++
	}
	for _, name := range append(warehouse.Views(), warehouse.Events) {
		if seen[name] != 1 {
			t.Errorf("SHOW TABLES lists %s %d times; want 1", name, seen[name])
		}
	}
	if seen["customerio_store"] > 0 {
		t.Error("SHOW TABLES lists the table of the store id")
	}
}

// A missing view and a missing column have an error of their own type, other mistakes not.
func TestMissingName(t *testing.T) {
	t.Parallel()
	r, err := duckdb.OpenFolder(t.Context(), t.TempDir(), "CREATE VIEW a AS SELECT 1 AS i")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for statement, missing := range map[string]bool{"SELECT j FROM a": true, "FROM b": true, "nonsense": false, "SELECT 'x'::INT FROM a": false} {
		_, err := r.Query(t.Context(), statement) //nolint:gocritic // no rows are left to close
		if _, ok := errors.AsType[*warehouse.MissingNameError](err); err == nil || ok != missing {
			t.Errorf("%s: %v, as a MissingNameError: %t", statement, err, ok)
		}
	}
}

// A text without a statement is a mistake of its own.
func TestNoStatement(t *testing.T) {
	t.Parallel()
	r, err := duckdb.OpenFolder(t.Context(), t.TempDir(), "SELECT 1")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for _, none := range []string{"", " ;", "-- nothing"} {
		if _, err := warehouse.ReadTable(t.Context(), r, none); err == nil || !strings.Contains(err.Error(), "want a statement, have none") {
			t.Errorf("%q: %v", none, err)
		}
	}
}

// Values are what people and JSON can show.
func TestQueryValues(t *testing.T) {
	t.Parallel()
	r, err := duckdb.OpenFolder(t.Context(), t.TempDir(), "SELECT 1")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	table, err := warehouse.ReadTable(t.Context(), r, `SELECT DATE '2026-01-02' AS a, TIME '10:20:30.5' AS b, 1.50::DECIMAL(5,2) AS c,
  'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::UUID AS d, 'NaN'::DOUBLE AS e, [1.5::DECIMAL(5,2)] AS f, '{"x":[1]}'::JSON AS g,
  INTERVAL 25 HOUR AS h, NULL AS i, TIMESTAMPTZ '2026-01-02 03:04:05+00' AS j, 2 AS a, 3 AS a, 0.25::FLOAT AS k`)
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(table.Objects())
	if err != nil {
		t.Fatal(err)
	}
	const want = `[{"a":"2026-01-02","a_2":2,"a_3":3,"b":"10:20:30.5","c":1.50,"d":"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11","e":"NaN",` +
		`"f":[1.50],"g":{"x":[1]},"h":"0 months 0 days 25h0m0s","i":null,"j":"2026-01-02T03:04:05Z","k":0.25}]`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
}

// DuckDB reads each literal as its text, and can compare and search the text.
func TestLiteral(t *testing.T) {
	t.Parallel()
	r, err := duckdb.OpenFolder(t.Context(), t.TempDir(), "SELECT 1")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	texts := []string{"", "'", "''", `\`, `\'`, "\x00", "\x00\x00", "a\x00'b", "$$", "-- ", "/*", ";", "\ufeff", "\u2028", "\U0001f600", "\ufffd"}
	for b := range rune(0x100) {
		texts = append(texts, "a"+string(b)+"b")
	}
	for _, text := range texts {
		l := warehouse.DuckDBSQL.Literal(text)
		table, err := warehouse.ReadTable(t.Context(), r, "SELECT "+l+" AS text, 'x' || "+l+" IN ('', 'x' || "+l+") AS equal, contains('x' || "+l+", "+l+") AS found")
		if err != nil {
			t.Errorf("%q: %v", text, err)
		} else if got := table.Rows[0]; got[0] != text || got[1] != true || got[2] != true {
			t.Errorf("%q: %q", text, got)
		}
	}
	table, err := warehouse.ReadTable(t.Context(), r, "SELECT 1 WHERE 'a' IN ("+warehouse.DuckDBSQL.Literal("a\xff")+") OR contains('a', "+warehouse.DuckDBSQL.Literal("\xff")+")")
	if err != nil || len(table.Rows) > 0 {
		t.Errorf("a text that is not UTF-8: %v, %v; want no row", table, err)
	}
}

// Views show the same in whatever time zone a reader's session is.
func TestViewsInAnotherTimeZone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "e.duckdb")
	sink := open(t, path)
	if _, err := sink.Write(t.Context(), warehousetest.Rows(500)); err != nil {
		t.Fatal(err)
	}
	if err := sink.Close(); err != nil {
		t.Fatal(err)
	}
	first := map[string][][]any{}
	for _, zone := range []string{"UTC", "Asia/Kolkata", "America/Los_Angeles"} {
		for _, view := range warehouse.Views() {
			rows := foreignRows(t, path, "SET TimeZone = '"+zone+"'", "FROM messaging."+view+" ORDER BY ALL")
			if len(rows) == 0 && view != warehouse.Preferences && view != warehouse.SentAfterOptout {
				t.Fatalf("%s has no rows", view)
			}
			if first[view] == nil {
				first[view] = rows
			}
			if diff := cmp.Diff(fmt.Sprint(first[view]), fmt.Sprint(rows)); diff != "" {
				t.Errorf("%s (-UTC +%s):\n%s", view, zone, diff)
			}
		}
	}
}

// foreignRows returns the rows of a query without this package's reader, as a person
// with a session of another setup sees them.
func foreignRows(t *testing.T, path, setup, query string) (list [][]any) {
	t.Helper()
	db, err := sql.Open("duckdb", path+"?access_mode=READ_ONLY")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(t.Context(), setup); err != nil {
		t.Fatal(err)
	}
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	for err == nil && rows.Next() {
		values, targets := make([]any, len(names)), make([]any, len(names))
		for i := range values {
			targets[i] = &values[i]
		}
		err = rows.Scan(targets...)
		list = append(list, values)
	}
	if err := errors.Join(err, rows.Err()); err != nil {
		t.Fatal(err)
	}
	return list
}

// The kind of fault: DuckDB refuses the last limit, so a query that needs the memory ends
// with an error about a setting.
func TestQueryThatNeedsMuchMemory(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "e.duckdb")
	open(t, path)
	// The list has 240 MB, which DuckDB doubles as it grows and cannot write to a file.
	table, err := duckdb.Query(t.Context(), path, "SELECT max(len(l)) AS n FROM (SELECT list(range) AS l FROM range(30000000))")
	if err != nil || fmt.Sprint(table.Rows) != "[[30000000]]" {
		t.Errorf("%v, %v", table, err)
	}
}

// What Statements prints makes the same warehouse as Open.
func TestStatements(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "e.duckdb")
	mustRun(t, path, duckdb.Statements()...)
	mustRun(t, path, duckdb.Statements()...) // also again
	opened := filepath.Join(t.TempDir(), "e.duckdb")
	open(t, opened)
	const all = "SELECT table_schema, table_name, column_name, data_type FROM information_schema.columns ORDER BY ALL"
	want, err := duckdb.Query(t.Context(), opened, all)
	if err != nil {
		t.Fatal(err)
	}
	got, err := duckdb.Query(t.Context(), path, all)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" || !strings.Contains(strings.Join(duckdb.Statements(), "\n"), "customerio_messages") {
		t.Errorf("columns (-Open +Statements):\n%s", diff)
	}
}

// A killed worker leaves its rows in DuckDB's log, which takes more memory than a query.
func TestQueryAfterAKill(t *testing.T) {
	t.Parallel()
	path, copied := filepath.Join(t.TempDir(), "e.duckdb"), filepath.Join(t.TempDir(), "e.duckdb")
	sink := open(t, path)
	const rows = 40_000
	batch := make([]warehouse.Row, rows)
	for i := range batch {
		batch[i] = row("w", strconv.Itoa(i), `{"data":{"subject":"`+strings.Repeat("x", 500)+`"}}`)
	}
	if _, err := sink.Write(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	for _, suffix := range []string{"", ".wal"} {
		data, err := os.ReadFile(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(copied+suffix, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	table, err := duckdb.Query(t.Context(), copied, "SELECT count(*)::INTEGER FROM customerio_events")
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(table.Rows[0][0]); got != strconv.Itoa(rows) {
		t.Errorf("the query finds %s rows, want %d", got, rows)
	}
}
