package duckdb_test

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/duckdb"
	"github.com/cioevents/cioevents/internal/warehouse/warehousetest"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// firstReleaseEvents is the number of rows in testdata/c826c92.duckdb.gz, which the first
// release wrote. Ten of its events were written twice. The event_id 01OLD0001 has the
// row of its first metric only: the first release dropped the second.
const firstReleaseEvents = 41

// firstRelease returns a copy of the file of the first release.
func firstRelease(t *testing.T) place {
	t.Helper()
	packed, err := os.Open("testdata/c826c92.duckdb.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	r, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	p := place{path: filepath.Join(t.TempDir(), "e.duckdb")}
	if err := os.WriteFile(p.path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p place) open(t *testing.T) warehouse.Sink {
	t.Helper()
	sink := p.Sink(t)
	t.Cleanup(func() { _ = sink.Close() })
	if err := sink.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	return sink
}

// stored returns the rows of the table, as a replay of the stream would make them.
func (p place) stored(t *testing.T) []warehouse.Row {
	t.Helper()
	return warehousetest.StoredRows(t, p.query(t, "SELECT event_id, workspace, received_at, stream_sequence, CASE WHEN json_type(payload) = 'VARCHAR' THEN payload->>'$' ELSE payload::VARCHAR END FROM messaging.customerio_events ORDER BY ALL"))
}

// numbers returns the numbers of all views that no upgrade may change.
func (p place) numbers(t *testing.T) map[string]string {
	t.Helper()
	numbers := map[string]string{}
	for view, query := range warehousetest.StableNumbers() {
		numbers[view] = strings.ReplaceAll(fmt.Sprint(p.query(t, query)), "] [", "]\n[")
	}
	return numbers
}

func (p place) backfill(t *testing.T) duckdb.Filled {
	t.Helper()
	filled, err := duckdb.Backfill(t.Context(), duckdb.Backfilling{Path: p.path})
	if err != nil {
		t.Fatal(err)
	}
	return filled
}

// Whatever happens to the file of the first release, each event counts once in every
// view: before = after.
func TestUpgrade(t *testing.T) {
	t.Parallel()
	open := func(t *testing.T, p place) { t.Helper(); p.open(t) }
	replay := func(t *testing.T, p place) {
		t.Helper()
		result, err := p.open(t).Write(t.Context(), p.stored(t))
		if want := (warehouse.Result{Duplicates: firstReleaseEvents}); err != nil || !cmp.Equal(result, want) {
			t.Errorf("a replay of the stored events gives %+v, %v; want %+v", result, err, want)
		}
	}
	fill := func(t *testing.T, p place) { t.Helper(); p.open(t); p.backfill(t) }
	for name, steps := range map[string][]func(*testing.T, place){
		"replay, backfill": {open, replay, fill},
		"backfill, replay": {open, fill, replay, fill},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := firstRelease(t)
			events := warehousetest.StableNumbers()[warehouse.Events]
			stored := p.query(t, events)
			steps[0](t, p) // creates the views
			before := p.numbers(t)
			if diff := cmp.Diff(stored, p.query(t, events)); diff != "" {
				t.Errorf("events (-before +after):\n%s", diff)
			}
			for i, step := range steps[1:] {
				step(t, p)
				if diff := cmp.Diff(before, p.numbers(t)); diff != "" {
					t.Errorf("views after step %d (-before +after):\n%s", i+2, diff)
				}
			}
		})
	}
}

// A replay brings back the metrics that the first release dropped, and an event of
// workers of both releases counts once.
func TestSecondMetricAfterUpgrade(t *testing.T) {
	t.Parallel()
	p := firstRelease(t)
	sink := p.open(t)
	rows := slices.DeleteFunc(p.stored(t), func(r warehouse.Row) bool { return r.EventID != "01OLD0001" })
	second := rows[0]
	second.Metric = "spammed"
	result, err := sink.Write(t.Context(), []warehouse.Row{rows[0], second, second})
	if want := (warehouse.Result{Inserted: 1, Duplicates: 2}); err != nil || !cmp.Equal(result, want) {
		t.Errorf("Write = %+v, %v; want %+v", result, err, want)
	}
}

// Backfill computes what NewRow would, and replaces NULLs only.
func TestBackfill(t *testing.T) {
	t.Parallel()
	p := firstRelease(t)
	want := p.stored(t)
	if err := p.open(t).Close(); err != nil {
		t.Fatal(err)
	}
	mustRun(t, p.path,
		"UPDATE messaging.customerio_events SET erased_at = TIMESTAMPTZ '2026-01-01 00:00:00Z' WHERE event_id = '01OLD0030'",
		"UPDATE messaging.customerio_events SET source = 'mine' WHERE event_id = '01OLD0031'",
		"UPDATE messaging.customerio_events SET payload = '\"no event\"' WHERE event_id = '01OLD0029'")
	if got, want := p.backfill(t), (duckdb.Filled{Rows: firstReleaseEvents - 3, Skipped: 1}); got != want {
		t.Errorf("Backfill = %+v; want %+v", got, want)
	}
	got := map[any]map[string]any{}
	for _, values := range p.Read(t) {
		got[values["event_id"]] = values
	}
	untouched := map[string]bool{"01OLD0029": true, "01OLD0030": true, "01OLD0031": true}
	all := warehouse.Columns()
	payload := slices.IndexFunc(all, func(c warehouse.Column) bool { return c.Name == "payload" })
	for _, r := range want {
		for _, c := range all[payload+1:] {
			value := got[r.EventID][c.Name]
			if untouched[r.EventID] {
				if value != nil && c.Name != "erased_at" && value != "mine" {
					t.Errorf("event %s: column %s is %v; want NULL", r.EventID, c.Name, value)
				}
				continue
			}
			if value != warehousetest.Value(&c, &r) {
				t.Errorf("event %s: column %s is %v; want %v", r.EventID, c.Name, value, warehousetest.Value(&c, &r))
			}
		}
	}
	half := p.query(t, `SELECT payload->>'$.data.subject', payload_altered FROM customerio_events WHERE event_id = '01OLDSURR'`)
	if diff := cmp.Diff([][]any{{"\ufffd x", true}}, half); diff != "" {
		t.Errorf("the subject and payload_altered of a body with half a surrogate pair (-want +got):\n%s", diff)
	}
}

// A backfill that ends early is completed by the next, and a worker writes between two
// steps.
func TestBackfillInSteps(t *testing.T) {
	t.Parallel()
	p := firstRelease(t)
	sink := p.open(t)
	if err := sink.Close(); err != nil {
		t.Fatal(err)
	}
	mustRun(t, p.path, "INSERT INTO messaging.customerio_events SELECT e.* REPLACE (event_id || '-' || i AS event_id) FROM messaging.customerio_events e, range(250) r(i)")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_, err := duckdb.Backfill(ctx, duckdb.Backfilling{Path: p.path, Progress: func(done, total int) {
		if done > 0 && done < total {
			cancel()
		}
	}})
	if err == nil {
		t.Fatal("a backfill whose context ended returns no error")
	}
	const left = "SELECT count(*) FROM customerio_events WHERE metric = 'bounced' AND bounce_class IS NULL"
	before := p.query(t, left)[0][0].(int64)
	if all := p.query(t, "SELECT count(*) FROM customerio_events WHERE metric = 'bounced'")[0][0]; before == 0 || before == all {
		t.Fatalf("%d of %d bounces have no class after the first step", before, all)
	}
	var wrote bool
	var last [2]int
	if _, err := duckdb.Backfill(t.Context(), duckdb.Backfilling{Path: p.path, Progress: func(done, total int) {
		last = [2]int{done, total}
		if done > 0 && !wrote {
			wrote = true
			if result, err := sink.Write(t.Context(), p.rowsOfToday()); err != nil || result.Inserted != 1 {
				t.Errorf("Write during a backfill = %+v, %v", result, err)
			}
		}
	}}); err != nil {
		t.Fatal(err)
	}
	if n := p.query(t, left)[0][0]; n != int64(0) || last != [2]int{firstReleaseEvents * 251, firstReleaseEvents * 251} {
		t.Errorf("%d bounces have no class after all steps, and the last step was %v", n, last)
	}
}

// A backfill writes a checkpoint now and then, so that DuckDB does not have all new values in
// memory.
func TestBackfillWritesCheckpoints(t *testing.T) {
	t.Parallel()
	p := place{path: filepath.Join(t.TempDir(), "e.duckdb")}
	sink := open(t, p.path)
	rows := warehousetest.Rows(40_000)
	if _, err := sink.Write(t.Context(), rows); err != nil {
		t.Fatal(err)
	}
	if err := sink.Close(); err != nil {
		t.Fatal(err)
	}
	var nulls []string
	added := false
	for _, c := range warehouse.Columns() {
		if added {
			nulls = append(nulls, c.Name+" = NULL")
		}
		added = added || c.Name == "payload"
	}
	mustRun(t, p.path, "UPDATE messaging.customerio_events SET "+strings.Join(nulls, ", "))
	var logSizes []int64
	filled, err := duckdb.Backfill(t.Context(), duckdb.Backfilling{Path: p.path, Progress: func(int, int) {
		if info, err := os.Stat(p.path + ".wal"); err == nil {
			logSizes = append(logSizes, info.Size())
		}
	}})
	if err != nil || filled.Rows != int64(len(rows)) {
		t.Fatalf("Backfill = %+v, %v", filled, err)
	}
	if slices.IsSorted(logSizes) {
		t.Errorf("after each step the log had %d bytes; want a checkpoint among them", logSizes)
	}
}

func (place) rowsOfToday() []warehouse.Row {
	return []warehouse.Row{warehouse.NewRow(&webhook.Event{Metric: "sent", Raw: []byte("{}")},
		warehouse.Origin{EventID: "today", Workspace: "default", ReceivedAt: time.Unix(1_760_000_000, 0)})}
}
