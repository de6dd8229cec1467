package duckdb_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/duckdb"
)

// Batches of whole e-mails need more memory than DuckDB gets at first. Without it
// DuckDB refuses a commit, or ends the process when it cannot even take a text.
func TestLargeRows(t *testing.T) {
	t.Parallel()
	const batches, each = 3, 24
	path := filepath.Join(t.TempDir(), "e.duckdb")
	sink := open(t, path)
	payload := `{"data":{"content":"` + strings.Repeat("x", 1<<20) + `"}}`
	for b := range batches {
		rows := make([]warehouse.Row, each)
		for i := range rows {
			rows[i] = row("w", fmt.Sprintf("%d-%d", b, i), payload)
		}
		got, err := sink.Write(t.Context(), rows)
		if err != nil || got.Inserted+got.Duplicates != each || len(got.Rejected) > 0 {
			t.Fatalf("batch %d ends with %+v, %v; want all %d rows stored", b, got, err, each)
		}
	}
	if err := sink.Close(); err != nil {
		t.Fatal(err)
	}
	table, err := duckdb.Query(t.Context(), path,
		"SELECT count(*)::INTEGER, count(DISTINCT event_id)::INTEGER, min(strlen(payload))::INTEGER FROM messaging.customerio_events")
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprint([]any{int32(batches * each), int32(batches * each), int32(len(payload))})
	if got := fmt.Sprint(table.Rows[0]); got != want {
		t.Errorf("rows, different ones, shortest payload are %s, want %s", got, want)
	}
}
