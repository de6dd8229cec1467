package duckdb_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/duckdb"
)

func row(workspace, id, payload string) warehouse.Row {
	return warehouse.Row{
		EventID: id, Workspace: workspace, Metric: "sent", ObjectType: "email",
		ReceivedAt: time.Unix(1_760_000_000, 0), Payload: []byte(payload),
	}
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

func TestWriteAgain(t *testing.T) {
	t.Parallel()
	sink := open(t, filepath.Join(t.TempDir(), "deeper", "e.duckdb"))
	batch := []warehouse.Row{row("a", "1", "{}"), row("a", "2", "{}"), row("b", "1", "{}"), row("a", "1", "{}")}
	for i, want := range []warehouse.Result{{Inserted: 3, Duplicates: 1}, {Duplicates: 4}} {
		got, err := sink.Write(t.Context(), batch)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("write %d (-want +got):\n%s", i+1, diff)
		}
	}
	got, err := sink.Write(t.Context(), []warehouse.Row{row("a", "1", "{}"), row("a", "3", "{}")})
	if want := (warehouse.Result{Inserted: 1, Duplicates: 1}); err != nil || !cmp.Equal(got, want) {
		t.Errorf("mixed batch: %+v, %v; want %+v", got, err, want)
	}
}

func TestRejectedRowHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	sink := open(t, filepath.Join(t.TempDir(), "e.duckdb"))
	got, err := sink.Write(t.Context(), []warehouse.Row{row("a", "1", "{}"), row("a", "", "{}"), row("a", "2", "{}")})
	if err != nil || got.Inserted != 2 || len(got.Rejected) != 1 || got.Rejected[0].Index != 1 {
		t.Errorf("result is %+v, %v; want 2 inserted and row 1 rejected", got, err)
	}
}

// Query reads while a sink is open: the sink lets go of the file.
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
