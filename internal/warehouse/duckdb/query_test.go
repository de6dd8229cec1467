package duckdb_test

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/duckdb"
	"github.com/cioevents/cioevents/internal/warehouse/warehousetest"
)

func TestOpenScript(t *testing.T) {
	t.Parallel()
	r, err := duckdb.OpenScript(t.Context(), "CREATE VIEW a AS SELECT 1 AS i; CREATE VIEW b AS SELECT i + 1 AS j FROM a;")
	if err != nil {
		t.Fatal(err)
	}
	table, err := r.Query(t.Context(), "FROM b")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&warehouse.Table{Columns: []string{"j"}, Rows: [][]any{{int32(2)}}}, table); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
	if err := r.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	if _, err := duckdb.OpenScript(t.Context(), "nonsense"); err == nil {
		t.Error("a script that is no SQL opens")
	}
}

// A missing view and a missing column have an error of their own type, other mistakes not.
func TestMissingName(t *testing.T) {
	t.Parallel()
	r, err := duckdb.OpenScript(t.Context(), "CREATE VIEW a AS SELECT 1 AS i")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for statement, missing := range map[string]bool{"SELECT j FROM a": true, "FROM b": true, "nonsense": false, "SELECT 'x'::INT FROM a": false} {
		_, err := r.Query(t.Context(), statement)
		if _, ok := errors.AsType[*duckdb.MissingNameError](err); err == nil || ok != missing {
			t.Errorf("%s: %v, as a MissingNameError: %t", statement, err, ok)
		}
	}
}

// Values are what people and JSON can show.
func TestQueryValues(t *testing.T) {
	t.Parallel()
	r, err := duckdb.OpenScript(t.Context(), "SELECT 1")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	table, err := r.Query(t.Context(), `SELECT DATE '2026-01-02' AS a, TIME '10:20:30.5' AS b, 1.50::DECIMAL(5,2) AS c,
  'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::UUID AS d, 'NaN'::DOUBLE AS e, [1.5::DECIMAL(5,2)] AS f, '{"x":[1]}'::JSON AS g,
  INTERVAL 25 HOUR AS h, NULL AS i, TIMESTAMPTZ '2026-01-02 03:04:05+00' AS j, 2 AS a, 3 AS a, 0.25::FLOAT AS k`)
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(table.Objects())
	if err != nil {
		t.Fatal(err)
	}
	const want = `[{"a":"2026-01-02","a_2":2,"a_3":3,"b":"10:20:30.5","c":1.5,"d":"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11","e":"NaN",` +
		`"f":[1.5],"g":{"x":[1]},"h":"0 months 0 days 25h0m0s","i":null,"j":"2026-01-02T03:04:05Z","k":0.25}]`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
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
	r, err := duckdb.OpenReader(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	first := map[string]*warehouse.Table{}
	for _, zone := range []string{"UTC", "Asia/Kolkata", "America/Los_Angeles"} {
		if _, err := r.Query(t.Context(), "SET TimeZone = '"+zone+"'"); err != nil {
			t.Fatal(err)
		}
		for _, view := range warehouse.Views() {
			table, err := r.Query(t.Context(), "FROM "+view+" ORDER BY ALL")
			if err != nil || len(table.Rows) == 0 {
				t.Fatalf("%s: %v, %v", view, table, err)
			}
			if first[view] == nil {
				first[view] = table
			}
			if diff := cmp.Diff(first[view], table); diff != "" {
				t.Errorf("%s (-UTC +%s):\n%s", view, zone, diff)
			}
		}
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
	if diff := cmp.Diff(want, got); diff != "" || !strings.Contains(strings.Join(duckdb.Statements(), "\n"), "customerio_campaign_funnel") {
		t.Errorf("columns (-Open +Statements):\n%s", diff)
	}
}
