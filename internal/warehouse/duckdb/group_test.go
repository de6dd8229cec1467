package duckdb_test

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/duckdb"
	"github.com/cioevents/cioevents/internal/warehouse/warehousetest"
)

// A writeFunc writes a batch.
type writeFunc func(context.Context, *duckdb.Sink, []warehouse.Row) (warehouse.Result, error)

func writeAlone(ctx context.Context, sink *duckdb.Sink, rows []warehouse.Row) (warehouse.Result, error) {
	return sink.Write(ctx, rows)
}

// writeStaged adds the batch to a group and waits for nothing.
func writeStaged(ctx context.Context, sink *duckdb.Sink, rows []warehouse.Row) (warehouse.Result, error) {
	result, _, err := sink.Stage(ctx, rows)
	return result, err
}

func stage(t *testing.T, sink *duckdb.Sink, rows []warehouse.Row) *warehouse.Group {
	t.Helper()
	result, group, err := sink.Stage(t.Context(), rows)
	if err != nil || result.Inserted != len(rows) || group == nil {
		t.Fatalf("stage %d rows: %+v, group %v, %v", len(rows), result, group, err)
	}
	return group
}

// hasEnded reports whether the group has ended already.
func hasEnded(t *testing.T, group *warehouse.Group) bool {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 100 { // select chooses at random
		if group.Wait(ctx) == nil {
			return true
		}
	}
	return false
}

// A full group is stored as row groups, without a copy in the log.
func TestFullGroup(t *testing.T) {
	t.Parallel()
	const batch, batches = 5_000, 12
	path := filepath.Join(t.TempDir(), "e.duckdb")
	sink, rows := open(t, path), warehousetest.Rows(batch*(batches+1))
	sink.KeepGroups()
	var group *warehouse.Group
	for b := range batches {
		if group != nil && hasEnded(t, group) {
			t.Fatalf("the group has ended after %d batches", b)
		}
		group = stage(t, sink, rows[b*batch:(b+1)*batch])
	}
	if !hasEnded(t, group) {
		t.Fatalf("the group has not ended with %d rows", batch*batches)
	}
	if next := stage(t, sink, rows[batch*batches:]); next == group {
		t.Error("the next batch is in the old group")
	}
	if err := sink.Close(); err != nil {
		t.Fatal(err)
	}
	got := place{path}.query(t, "SELECT row_group_id, sum(count)::BIGINT FROM pragma_storage_info('messaging.customerio_events') WHERE column_name = 'event_id' AND segment_type <> 'VALIDITY' GROUP BY 1 ORDER BY 1")
	if len(got) != 3 || got[0][1] != int64(30_720) || got[1][1] != int64(29_280) || got[2][1] != int64(batch) {
		t.Errorf("row groups: %v", got)
	}
}

// A group ends when no other batch comes, when a reader wants the file, and with the next
// batch that is written alone.
func TestEndsOfAGroup(t *testing.T) {
	t.Parallel()
	rows := warehousetest.Rows(110)
	for name, end := range map[string]func(*testing.T, string, *duckdb.Sink, *warehouse.Group){
		"nothing comes": func(t *testing.T, _ string, _ *duckdb.Sink, group *warehouse.Group) {
			t.Helper()
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			if err := group.Wait(ctx); err != nil {
				t.Error(err)
			}
		},
		"a reader": func(t *testing.T, path string, _ *duckdb.Sink, _ *warehouse.Group) {
			t.Helper()
			if got := (place{path}).query(t, "SELECT count(*) FROM customerio_events")[0][0]; got != int64(100) {
				t.Errorf("the reader sees %v rows", got)
			}
		},
		"a batch alone": func(t *testing.T, _ string, sink *duckdb.Sink, _ *warehouse.Group) {
			t.Helper()
			if got, err := sink.Write(t.Context(), rows[90:]); err != nil || got.Inserted != 10 || got.Duplicates != 10 {
				t.Errorf("%+v, %v", got, err)
			}
		},
		"another use": func(t *testing.T, _ string, sink *duckdb.Sink, _ *warehouse.Group) {
			t.Helper()
			if got, err := sink.Store(t.Context()); err != nil || got.Empty {
				t.Errorf("%+v, %v", got, err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "e.duckdb")
			sink := open(t, path)
			group := stage(t, sink, rows[:100])
			end(t, path, sink, group)
			if !hasEnded(t, group) {
				t.Error("the group has not ended")
			}
		})
	}
}

// The rows of a group are stored together or not at all, and a failed batch fails no other
// for good: the next ones have transactions of their own.
func TestFailedGroup(t *testing.T) {
	t.Parallel()
	p := place{path: filepath.Join(t.TempDir(), "e.duckdb")}
	strict(t, p)
	sink, rows := open(t, p.path), warehousetest.Rows(300)
	sink.KeepGroups()
	first := stage(t, sink, rows[:100])
	poison(&rows[150])
	result, group, err := sink.Stage(t.Context(), rows[100:200])
	if err != nil || group != nil || result.Inserted != 99 || len(result.Rejected) != 1 || result.Rejected[0].Index != 50 {
		t.Fatalf("the failed batch: %+v, group %v, %v", result, group, err)
	}
	if err := first.Wait(t.Context()); err == nil || !strings.Contains(err.Error(), "another batch") {
		t.Errorf("the group of the batch before has the error %v", err)
	}
	for range 2 { // as after a redelivery
		if result, group, err = sink.Stage(t.Context(), rows[:100]); err != nil || group != nil {
			t.Fatalf("again: %+v, group %v, %v", result, group, err)
		}
	}
	if result.Duplicates != 100 {
		t.Errorf("once more: %+v", result)
	}
	if got := p.query(t, "SELECT count(*) FROM customerio_events")[0][0]; got != int64(199) {
		t.Errorf("the table has %v rows", got)
	}
}

// A writer that is killed has stored all batches of a group or none, and the next writer
// knows which.
func TestKilledGroup(t *testing.T) {
	t.Parallel()
	p := place{path: filepath.Join(t.TempDir(), "e.duckdb")}
	writer := startChild(t, "stage", p.path)
	sure := 0
	for sure == 0 {
		sure = inserted(t, writer.line())
	}
	writer.line() // of the next group
	writer.kill()
	stored := p.query(t, "SELECT count(*) FROM customerio_events")[0][0].(int64)
	if stored < int64(sure) || stored%stageSize != 0 {
		t.Errorf("%d rows are stored; want at least %d, and whole batches of %d", stored, sure, stageSize)
	}
	sink, sum := open(t, p.path), warehouse.Result{}
	for batch := range slices.Chunk(stagedRows(), stageSize) {
		got, err := writeStaged(t.Context(), sink, batch)
		if err != nil {
			t.Fatal(err)
		}
		sum.Inserted, sum.Duplicates = sum.Inserted+got.Inserted, sum.Duplicates+got.Duplicates
	}
	if sum.Duplicates != int(stored) || sum.Inserted != staged*stageSize-int(stored) {
		t.Errorf("the rows again: %+v; want %d duplicates", sum, stored)
	}
}

// Large rows would stay in memory until the commit.
func TestLargeRowsAreInNoGroup(t *testing.T) {
	t.Parallel()
	sink := open(t, filepath.Join(t.TempDir(), "e.duckdb"))
	large := row("w", "1", `{"text":"`+strings.Repeat("a", 2048)+`"}`)
	if got, group, err := sink.Stage(t.Context(), []warehouse.Row{large}); err != nil || group != nil || got.Inserted != 1 {
		t.Errorf("%+v, group %v, %v", got, group, err)
	}
}
