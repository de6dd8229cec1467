package parquet_test

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/duckdbsql"
	"github.com/cioevents/cioevents/internal/warehouse/parquet"
	"github.com/cioevents/cioevents/pkg/webhook"
	"github.com/cioevents/cioevents/pkg/webhook/webhooktest"
)

var received = time.Date(2026, 3, 2, 23, 59, 59, 123_456_789, time.FixedZone("", -3600))

// payloadRows are the rows of all sample bodies.
func payloadRows(t *testing.T) []warehouse.Row {
	t.Helper()
	var rows []warehouse.Row
	for i, p := range webhooktest.Payloads() {
		e, err := webhook.Parse(p.Body)
		if err != nil {
			t.Fatalf("%s: %v", p.Name, err)
		}
		rows = append(rows, warehouse.NewRow(e, warehouse.Origin{
			EventID: cmp.Or(e.ID, p.Name), Workspace: "default", ReceivedAt: received.Add(time.Duration(i) * time.Second), Sequence: uint64(i + 1),
		}))
	}
	return rows
}

// row is an event of the day, at noon.
func row(day, id string) warehouse.Row {
	at, err := time.Parse(time.DateOnly, day)
	if err != nil {
		panic(err)
	}
	at = at.Add(12 * time.Hour)
	return warehouse.NewRow(
		&webhook.Event{Metric: webhook.Sent, OccurredAt: at, Raw: []byte(`{"event_id":"` + id + `"}`)},
		warehouse.Origin{EventID: id, Workspace: "default", ReceivedAt: at.Add(time.Second)})
}

func write(t *testing.T, sink warehouse.Sink, rows ...warehouse.Row) warehouse.Result {
	t.Helper()
	result, err := sink.Write(t.Context(), rows)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func compare(t *testing.T, want, got []map[string]any) {
	t.Helper()
	for _, table := range [][]map[string]any{want, got} {
		slices.SortFunc(table, func(a, b map[string]any) int {
			return cmp.Compare(fmt.Sprint(a["workspace"], a["event_id"], a["metric"]), fmt.Sprint(b["workspace"], b["event_id"], b["metric"]))
		})
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

// files lists the files of rows, from the folder of the table.
func (f folder) files(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(f.dir, warehouse.Events, "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, path := range found {
		if name := filepath.Base(path); !strings.HasPrefix(name, "schema-") {
			names = append(names, filepath.Join(filepath.Base(filepath.Dir(path)), name))
		}
	}
	return names
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	rows := payloadRows(t)
	// Every column has a value somewhere and none in another place.
	bare := row("2026-01-01", "bare")
	bare.Timestamp, bare.Metric = time.Time{}, ""
	invalid := row("0001-01-02", "not \xff UTF-8")
	big := row("9999-12-31", "big")
	big.Raw = fmt.Appendf(nil, `{"x":%q}`, bytes.Repeat([]byte("y"), 8<<20))
	rows = append(rows, bare, invalid, big)

	if got := write(t, f.Open(t), rows...); got.Inserted != len(rows) || len(got.Rejected) > 0 {
		t.Errorf("result is %+v; want %d inserted", got, len(rows))
	}
	compare(t, want(rows), f.Read(t))
}

func TestEachDayHasItsFolder(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	late := row("2026-01-01", "late")
	late.Timestamp = time.Date(2026, 1, 1, 23, 30, 0, 0, time.FixedZone("", -3600)) // 00:30 of the next day in UTC
	timeless := row("2026-01-03", "timeless")
	timeless.Timestamp = time.Time{}
	write(t, f.Open(t), row("2026-01-01", "a"), late, timeless)

	_, got := f.Query(t, "SELECT dt::VARCHAR, event_id FROM customerio_events ORDER BY ALL")
	want := [][]any{{"2026-01-01", "a"}, {"2026-01-02", "late"}, {"2026-01-03", "timeless"}}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("days (-want +got):\n%s", diff)
	}
	write(t, f.Open(t), late)
	_, got = f.Query(t, "SELECT dt::VARCHAR, event_id FROM customerio_events_between('2026-01-02', '2026-01-03') ORDER BY ALL")
	if diff := gocmp.Diff(want[1:], got); diff != "" {
		t.Errorf("two days of them (-want +got):\n%s", diff)
	}
	_, got = f.Query(t, "EXPLAIN ANALYZE SELECT event_id FROM customerio_events_between('2026-01-02', '2026-01-02')")
	if plan := fmt.Sprint(got); !strings.Contains(plan, "Total Files Read: 2") && !strings.Contains(plan, "Scanning Files: 2/") {
		t.Errorf("a query of one day does not read its two files only:\n%s", plan)
	}
}

// An equal batch replaces its own file; a batch with the same first and last row does
// not.
func TestRedelivery(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	batch := []warehouse.Row{row("2026-01-01", "1"), row("2026-01-01", "2"), row("2026-01-01", "3")}
	for i := range batch {
		batch[i].Sequence = uint64(i + 1)
	}
	write(t, f.Open(t), batch...)
	write(t, f.Open(t), batch...)
	if got := f.files(t); len(got) != 1 {
		t.Errorf("an equal batch: the files are %v; want one", got)
	}
	write(t, f.Open(t), batch[0], batch[2])
	if got := f.files(t); len(got) != 2 {
		t.Errorf("a batch without a row in the middle: the files are %v; want two", got)
	}
	compare(t, want(batch), f.Read(t))
}

func TestReaderSeesTheFirstOfAnEvent(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	first, again, other := row("2026-01-01", "1"), row("2026-01-01", "1"), row("2026-01-01", "1")
	again.ReceivedAt = again.ReceivedAt.Add(24 * time.Hour)
	again.Timestamp = time.Time{} // another day, therefore
	other.Workspace = "other"
	write(t, f.Open(t), again, other)
	write(t, f.Open(t), first)
	compare(t, want([]warehouse.Row{first, other}), f.Read(t))
}

func TestRejectedRowHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	got := write(t, f.Open(t), row("2026-01-01", "1"), row("2026-01-01", ""), row("2026-01-01", "2"))
	if got.Inserted != 2 || len(got.Rejected) != 1 || got.Rejected[0].Index != 1 {
		t.Errorf("result is %+v; want 2 inserted and row 1 rejected", got)
	}
	if got := write(t, f.Open(t)); got.Inserted != 0 || got.Rejected != nil {
		t.Errorf("an empty batch: %+v", got)
	}
	if n := len(f.Read(t)); n != 2 {
		t.Errorf("a reader sees %d rows; want 2", n)
	}
}

// The views exist before the first event, and in a folder whose name is hard to quote.
func TestViews(t *testing.T) {
	t.Parallel()
	f := folder{filepath.Join(t.TempDir(), "it's", "[1]*?")}
	sink := f.Open(t)
	for _, view := range append(warehouse.Views(), warehouse.Events) {
		if _, rows := f.Query(t, "FROM "+view); len(rows) > 0 {
			t.Errorf("view %s of nothing: %v", view, rows)
		}
	}
	write(t, sink, payloadRows(t)...)
	for _, view := range warehouse.Views() {
		if _, rows := f.Query(t, "FROM messaging."+view); len(rows) == 0 && view != warehouse.Preferences && view != warehouse.SentAfterOptout {
			t.Errorf("view %s is empty", view)
		}
	}
	_, rows := f.Query(t, "SELECT comment FROM duckdb_columns() WHERE table_name = 'customerio_events' AND column_name = 'href' AND schema_name = 'messaging'")
	if diff := gocmp.Diff([][]any{{"The link that was clicked"}}, rows); diff != "" {
		t.Errorf("comment (-want +got):\n%s", diff)
	}
	saved, err := os.ReadFile(filepath.Join(f.dir, "views.sql"))
	if err != nil || string(saved) != parquet.Views(f.dir) {
		t.Errorf("views.sql is not what Views returns (%v)", err)
	}
}

// DuckDB reads both warehouses, so both have the same views.
func TestAnalystViewsAreThoseOfDuckDB(t *testing.T) {
	t.Parallel()
	theirs, ours := duckdbsql.Views(duckdbsql.Store{Schema: warehouse.DefaultSchema, Day: "dt", Fill: warehouse.HealthSQL}), parquet.Views(t.TempDir())
	if len(theirs) != 2*len(warehouse.Views()) {
		t.Errorf("there are %d statements for %d views and their functions", len(theirs), len(warehouse.Views()))
	}
	for _, statement := range theirs {
		if !strings.Contains(ours, statement) {
			t.Errorf("the folder's SQL lacks\n%s", statement)
		}
	}
	for _, v := range warehouse.Views() {
		if !strings.Contains(ours, "."+v+warehouse.Between+"(first_day, last_day)") {
			t.Errorf("%s has no function of days", v)
		}
	}
	if !strings.Contains(ours, fmt.Sprintf("CAST(last_day AS DATE) + %d", warehouse.NearDays)) {
		t.Errorf("a delivery is not complete within %d days", warehouse.NearDays)
	}
}

// A body that is JSON to Go and not to DuckDB must not fail a query.
func TestOddJSON(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	var rows []warehouse.Row
	for i, payload := range []string{`{"data":{"x":1}}`, `{"data":{"x":"\ud800"}}`, "{\"data\":{\"x\":\"\xff\"}}", `{"data":{"x":1e999}}`} {
		r := row("2026-01-01", fmt.Sprint(i))
		r.Raw = []byte(payload)
		rows = append(rows, r)
	}
	write(t, f.Open(t), rows...)
	_, got := f.Query(t, "SELECT count(*), count(payload->>'$.data.x') > 0, any_value(typeof(payload)) FROM customerio_events")
	if diff := gocmp.Diff([][]any{{int64(4), true, "JSON"}}, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

// The headers of pages would repeat the smallest and the largest body, uncompressed.
func TestHeadersWithoutBodies(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	big := row("2026-01-01", "big")
	big.Raw = fmt.Appendf(nil, `{"x":%q}`, bytes.Repeat([]byte("y"), 1<<20))
	write(t, f.Open(t), big)
	info, err := os.Stat(filepath.Join(f.dir, warehouse.Events, f.files(t)[0]))
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() >= 64<<10 {
		t.Errorf("the file has %d bytes for a body of the same letter; want less than 64 KiB", info.Size())
	}
	_, got := f.Query(t, `SELECT path_in_schema FROM parquet_metadata('`+f.dir+`/customerio_events/*/batch-*') WHERE stats_min_value IS NOT NULL ORDER BY ALL`)
	want := [][]any{{"event_id"}, {"metric"}, {"received_at"}, {"schema_version"}, {"timestamp"}, {"workspace"}}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("columns with bounds (-want +got):\n%s", diff)
	}
}
