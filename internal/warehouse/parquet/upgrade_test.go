package parquet_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	pq "github.com/parquet-go/parquet-go"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/warehousetest"
)

// firstVersionEvents is the number of events in testdata/c826c92. The folder was written
// by a worker of the first version: 52 rows of two days in files of batches, and in one
// file of its compaction. Ten events are there twice, and one event_id has two metrics.
const firstVersionEvents = 42

// firstVersion returns a copy of the folder of the first version.
func firstVersion(t *testing.T) folder {
	t.Helper()
	f := newFolder(t)
	if err := os.CopyFS(f.dir, os.DirFS("testdata/c826c92")); err != nil {
		t.Fatal(err)
	}
	return f
}

// stored returns the rows of all files, as a replay of the stream would make them.
func (f folder) stored(t *testing.T) []warehouse.Row {
	t.Helper()
	_, values := f.Query(t, "SELECT event_id, workspace, received_at, stream_sequence, payload FROM read_parquet('"+f.dir+"/customerio_events/dt=20*/*.parquet', union_by_name = true) ORDER BY ALL")
	return warehousetest.StoredRows(t, values)
}

// numbers returns the numbers of all views that no upgrade may change.
func (f folder) numbers(t *testing.T) map[string]string {
	t.Helper()
	db := f.session(t)
	defer db.Close()
	numbers := map[string]string{}
	for view, query := range warehousetest.StableNumbers() {
		_, rows := ask(t, db, query)
		numbers[view] = strings.ReplaceAll(fmt.Sprint(rows), "] [", "]\n[")
	}
	return numbers
}

func (f folder) count(t *testing.T) any {
	t.Helper()
	_, rows := f.Query(t, "SELECT count(*) FROM customerio_events")
	return rows[0][0]
}

// A reader of this version has all columns, whatever the files have.
func TestViewsOfFirstVersion(t *testing.T) {
	t.Parallel()
	f := firstVersion(t)
	if got := f.count(t); got != int64(firstVersionEvents) {
		t.Errorf("a reader sees %v events; want %d", got, firstVersionEvents)
	}
	for _, r := range f.Read(t) { // all columns of this version
		if r["source"] != nil || r["erased_at"] != nil {
			t.Errorf("an old row has source %v and erased_at %v; want NULL", r["source"], r["erased_at"])
		}
	}
	if _, rows := f.Query(t, "SELECT count(*) FROM customerio_events_between('2025-10-09', '2025-10-09') WHERE source IS NULL"); rows[0][0] != int64(28) {
		t.Errorf("the first day has %v events; want 28", rows[0][0])
	}
	if _, rows := f.Query(t, "SELECT metric FROM customerio_events WHERE event_id = '01OLD0001' ORDER BY 1"); !slices.EqualFunc(rows, []any{"converted", "sent"}, func(r []any, m any) bool { return r[0] == m }) {
		t.Errorf("two metrics of one event_id are %v", rows)
	}
}

// Whatever happens to the files of the first version, each event counts once in every
// view: before = after.
func TestUpgrade(t *testing.T) {
	t.Parallel()
	replayed := firstVersion(t).stored(t)
	replay := func(t *testing.T, f folder) { t.Helper(); write(t, f.Open(t), replayed...) }
	merge := func(t *testing.T, f folder) { t.Helper(); compact(t, f.compaction()) }
	fill := func(t *testing.T, f folder) { t.Helper(); backfill(t, f) }
	for name, steps := range map[string][]func(*testing.T, folder){
		"replay, compact, backfill": {replay, merge, fill},
		"replay, backfill, compact": {replay, fill, merge},
		"compact, replay, backfill": {merge, replay, fill},
		"backfill, replay, compact": {fill, replay, merge},
		"compact, backfill, replay": {merge, fill, replay},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := firstVersion(t)
			before := f.numbers(t)
			for i, step := range steps {
				step(t, f)
				if diff := gocmp.Diff(before, f.numbers(t)); diff != "" {
					t.Errorf("views after step %d (-before +after):\n%s", i+1, diff)
				}
			}
			if got := f.count(t); got != int64(firstVersionEvents) {
				t.Errorf("a reader sees %v events; want %d", got, firstVersionEvents)
			}
			compare(t, newest(replayed), f.Read(t)) // the replayed row is better
		})
	}
}

// A worker of the first version may run on beside this version.
func TestWorkersOfBothVersions(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	rows := firstVersion(t).stored(t)
	for i := range rows {
		rows[i].ReceivedAt = rows[i].ReceivedAt.Add(time.Hour) // the newer row is better nevertheless
	}
	write(t, f.Open(t), rows...)
	if err := os.CopyFS(f.dir, os.DirFS("testdata/c826c92")); err != nil { // the same events again
		t.Fatal(err)
	}
	want := newest(rows)
	compare(t, want, f.Read(t))
	compact(t, f.compaction())
	compare(t, want, f.Read(t))
	f.isOneFile(t, "2025-10-09")
	f.isOneFile(t, "2025-10-10")
}

// newest is what a reader sees of rows of this version, each event once.
func newest(rows []warehouse.Row) []map[string]any {
	best := map[warehouse.Key]warehouse.Row{}
	for _, r := range rows {
		if old, ok := best[r.Key()]; !ok || r.ReceivedAt.Before(old.ReceivedAt) {
			best[r.Key()] = r
		}
	}
	var once []warehouse.Row
	for _, r := range best {
		once = append(once, r)
	}
	return want(once)
}

func TestMetadata(t *testing.T) {
	t.Parallel()
	f := firstVersion(t)
	f.isVersion(t, "2025-10-09", "", "")
	compact(t, f.compaction()) // old rows stay old
	f.isVersion(t, "2025-10-09", "workspace,event_id,metric", "1")
	backfill(t, f)
	f.isVersion(t, "2025-10-09", "workspace,event_id,metric", "2")
	write(t, f.Open(t), row("2025-12-31", "new"))
	f.isVersion(t, "2025-12-31", "workspace,event_id,metric", "2")
	compact(t, f.compaction())
	f.isVersion(t, "2025-12-31", "workspace,event_id,metric", "2")
}

// isVersion checks the metadata of a day's files.
func (f folder) isVersion(t *testing.T, day, key, version string) {
	t.Helper()
	for _, name := range f.files(t) {
		if !strings.HasPrefix(name, "dt="+day) {
			continue
		}
		gotKey, gotVersion := f.metadata(t, name)
		if gotKey != key || gotVersion != version {
			t.Errorf("%s has the key %q and the version %q; want %q and %q", name, gotKey, gotVersion, key, version)
		}
	}
}

func (f folder) metadata(t *testing.T, name string) (key, version string) {
	t.Helper()
	r, err := os.Open(filepath.Join(f.dir, warehouse.Events, name))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	info, err := r.Stat()
	if err != nil {
		t.Fatal(err)
	}
	file, err := pq.OpenFile(r, info.Size())
	if err != nil {
		t.Fatal(err)
	}
	key, _ = file.Lookup("cioevents.key")
	version, _ = file.Lookup("cioevents.version")
	return key, version
}

// Of two rows of an event, readers see the erased row first, then the row of the newer
// version (TestUpgrade), then the row that was received first. A compaction keeps the
// same row.
func TestBetterRow(t *testing.T) {
	t.Parallel()
	first, later, erased := row("2025-12-31", "1"), row("2025-12-31", "1"), row("2025-12-31", "1")
	later.ReceivedAt = later.ReceivedAt.Add(time.Hour)
	erased.ReceivedAt, erased.ErasedAt = erased.ReceivedAt.Add(2*time.Hour), received
	for name, rows := range map[string][]warehouse.Row{"received first": {first, later}, "erased": {erased, first}} {
		for _, order := range [][]int{{0, 1}, {1, 0}} {
			f := newFolder(t)
			for _, i := range order {
				write(t, f.Open(t), rows[i])
			}
			compare(t, want(rows[:1]), f.Read(t))
			compact(t, f.compaction())
			f.isOneFile(t, "2025-12-31")
			if diff := gocmp.Diff(want(rows[:1]), f.Read(t)); diff != "" {
				t.Errorf("%s, after a compaction (-want +got):\n%s", name, diff)
			}
		}
	}
}

// The conformance suite's bodies keep their columns through a compaction and a backfill.
func TestBodiesOfFirstVersion(t *testing.T) {
	t.Parallel()
	var rows []warehouse.Row
	bodies := warehousetest.Bodies()
	for i := range bodies {
		r, err := bodies[i].Row()
		if err != nil {
			t.Fatal(err)
		}
		r.Timestamp = row("2025-12-31", "").Timestamp
		rows = append(rows, r)
	}
	f := newFolder(t)
	write(t, f.Open(t), rows...)
	f.asFirstVersion(t)
	backfill(t, f)
	expected := want(rows)
	for i := range expected {
		expected[i]["payload_altered"] = nil // the older file has the altered payload already
	}
	compare(t, expected, f.Read(t))
}
