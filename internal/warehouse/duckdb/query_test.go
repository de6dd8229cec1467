package duckdb_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/warehouse/duckdb"
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
	if diff := cmp.Diff(&duckdb.Table{Columns: []string{"j"}, Rows: [][]any{{int32(2)}}}, table); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
	if err := r.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	if _, err := duckdb.OpenScript(t.Context(), "nonsense"); err == nil {
		t.Error("a script that is no SQL opens")
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
