package duckdb_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/duckdb"
	"github.com/cioevents/cioevents/internal/warehouse/warehousetest"
	"github.com/cioevents/cioevents/pkg/webhook"
)

func row(workspace, id, payload string) warehouse.Row {
	return warehouse.NewRow(
		&webhook.Event{Metric: webhook.Sent, ObjectType: webhook.Email, Raw: []byte(payload)},
		warehouse.Origin{EventID: id, Workspace: workspace, ReceivedAt: time.Unix(1_760_000_000, 0)})
}

func open(t *testing.T, path string) *duckdb.Sink {
	t.Helper()
	sink, err := duckdb.New(duckdb.Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sink.Close() })
	if err := sink.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	return sink
}

// What every row of a table is refused for is no row's fault: none is rejected.
func TestTableThatTakesNoRow(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "e.duckdb")
	createTable(t, path, warehouse.Columns(), "theirs INTEGER NOT NULL")
	sink := open(t, path)
	got, err := sink.Write(t.Context(), warehousetest.Rows(20))
	if err == nil || len(got.Rejected) > 0 {
		t.Fatalf("result is %+v, %v; want an error of the whole batch", got, err)
	}
	if err := sink.Close(); err != nil {
		t.Fatal(err)
	}
	mustRun(t, path, "ALTER TABLE messaging.customerio_events ALTER theirs DROP NOT NULL")
	if got, err = sink.Write(t.Context(), warehousetest.Rows(20)); err != nil || got.Inserted != 20 {
		t.Errorf("with the table repaired, the result is %+v, %v; want 20 inserted", got, err)
	}
}

// A column without a value is left to the table: its owner's default counts, also when other
// rows of the batch have a value.
func TestColumnWithADefaultOfTheOwner(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "e.duckdb")
	createTable(t, path, warehouse.Columns())
	mustRun(t, path, "ALTER TABLE messaging.customerio_events ALTER link_id SET DEFAULT -1",
		"ALTER TABLE messaging.customerio_events ALTER link_id SET NOT NULL")
	sink := open(t, path)
	large := `{"a":"` + strings.Repeat("a", 20<<20) + `"}` // a statement of its own
	for name, body := range map[string]string{"small": "{}", "large": large} {
		rows := []warehouse.Row{row("a", name+"1", body), row("a", name+"2", "{}"), row("a", name+"3", "{}")}
		rows[1].LinkID = 7
		if got, err := sink.Write(t.Context(), rows); err != nil || got.Inserted != 3 {
			t.Errorf("%s: result is %+v, %v; want 3 rows inserted", name, got, err)
		}
	}
}

// The text of a rejection goes into logs and dead letters.
func TestRejectionQuotesNoValue(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "e.duckdb")
	createTable(t, path, warehouse.Columns(), "CHECK (length(subject) < 20)", "UNIQUE (recipient)")
	rows := []warehouse.Row{row("a", "1", "{}"), row("a", "2", "{}"), row("a", "3", "{}")}
	rows[0].Subject = "hello ann@example.com"
	rows[1].Recipient, rows[2].Recipient = "ann@example.com", "ann@example.com"
	got, err := open(t, path).Write(t.Context(), rows)
	if err != nil || len(got.Rejected) != 2 {
		t.Fatalf("result is %+v, %v; want two rows rejected", got, err)
	}
	want := []string{
		"DuckDB refuses the row: Constraint Error: CHECK constraint failed",
		"DuckDB refuses the row: Constraint Error: violates unique constraint",
	}
	for i, r := range got.Rejected {
		if r.Err.Error() != want[i] {
			t.Errorf("row %d is rejected with %q; want %q", r.Index, r.Err, want[i])
		}
	}
}

// A checkpoint writes a row group of nearly full size and empties the log.
func TestCheckpointByRows(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "e.duckdb")
	sink := open(t, path)
	rows := make([]warehouse.Row, 5_000)
	logSizes := make([]int64, 5)
	for b := range logSizes {
		for i := range rows {
			rows[i] = row("a", fmt.Sprintf("%d-%d", b, i), "{}")
		}
		if _, err := sink.Write(t.Context(), rows); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(path + ".wal"); err == nil {
			logSizes[b] = info.Size()
		}
	}
	if logSizes[3] == 0 || logSizes[4] >= logSizes[0] {
		t.Errorf("after each batch the log had %d bytes; want it to grow to 20,000 rows and to be empty after 25,000", logSizes)
	}
}

// Query reads while a sink is open: the sink closes the file.
func TestQueryBesideASink(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "e.duckdb")
	sink := open(t, path)
	for i, payload := range []string{`{"data":{"x":1}}`, `{"data":{"x":"\ud800"}}`, "{\"data\":{\"x\":\"\xff\"}}", `{"data":{"x":1e999}}`} {
		if _, err := sink.Write(t.Context(), []warehouse.Row{row("a", fmt.Sprint(i), payload)}); err != nil {
			t.Fatal(err)
		}
	}
	table, err := duckdb.Query(t.Context(), path, "SELECT count(*), count(payload->>'$.data.x') > 0 FROM customerio_events")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([][]any{{int64(4), true}}, table.Rows); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	for _, view := range warehouse.Views() {
		if _, err := duckdb.Query(t.Context(), path, "FROM "+view); err != nil {
			t.Errorf("view %s: %v", view, err)
		}
	}
	if _, err := duckdb.Query(t.Context(), path, "DELETE FROM messaging.customerio_events"); err == nil {
		t.Error("a query may delete")
	}
	if _, err := sink.Write(t.Context(), []warehouse.Row{row("a", "after", "{}")}); err != nil {
		t.Errorf("write after a query: %v", err)
	}
}
