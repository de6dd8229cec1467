package parquet_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/parquet"
	"github.com/cioevents/cioevents/internal/warehouse/warehousetest"
)

func (f folder) backfilling() parquet.Backfilling {
	return parquet.Backfilling{Dir: f.dir, Grace: time.Nanosecond}
}

func backfill(t *testing.T, f folder) parquet.Filled {
	t.Helper()
	filled, err := parquet.Backfill(t.Context(), f.backfilling())
	if err != nil {
		t.Fatal(err)
	}
	return filled
}

// asFirstVersion rewrites the folder's files without the columns of later versions, as
// the first version would have written them.
func (f folder) asFirstVersion(t *testing.T) {
	t.Helper()
	var names []string
	for _, c := range warehousetest.OlderColumns() {
		names = append(names, fmt.Sprintf("%q", c.Name))
	}
	for i, name := range f.files(t) {
		path := filepath.Join(f.dir, warehouse.Events, name)
		old := filepath.Join(filepath.Dir(path), fmt.Sprintf("part-%d.parquet", i))
		f.Query(t, "COPY (SELECT "+strings.Join(names, ", ")+" FROM read_parquet('"+path+"', hive_partitioning = false)) TO '"+old+"' (FORMAT parquet)")
		f.remove(t, name)
	}
}

func TestBackfill(t *testing.T) {
	t.Parallel()
	f := firstVersion(t)
	expected := f.Read(t) // what the first version stored stays
	values := map[string]map[string]any{}
	for _, r := range want(f.stored(t)) {
		values[fmt.Sprint(r["event_id"], r["metric"])] = r
	}
	for _, r := range expected {
		for _, c := range warehouse.Columns()[len(warehousetest.OlderColumns())-1:] { // payload, too
			r[c.Name] = values[fmt.Sprint(r["event_id"], r["metric"])][c.Name]
		}
	}
	var progress []string
	b := f.backfilling()
	b.Progress = func(done, total int) { progress = append(progress, fmt.Sprint(done, "/", total)) }
	filled, err := parquet.Backfill(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(parquet.Filled{Days: 2, Files: 6, Rows: firstVersionEvents}, filled); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
	if diff := gocmp.Diff([]string{"0/2", "1/2", "2/2"}, progress); diff != "" {
		t.Errorf("progress (-want +got):\n%s", diff)
	}
	compare(t, expected, f.Read(t))
	if again := backfill(t, f); again != (parquet.Filled{}) {
		t.Errorf("a second backfill did %+v", again)
	}
	if got := compact(t, f.compaction()); got != (parquet.Merged{}) {
		t.Errorf("a compaction afterwards did %+v", got)
	}
}

// A backfill replaces NULLs only, and leaves rows alone that were erased, or whose
// payload is not an event.
func TestBackfillLeavesValues(t *testing.T) {
	t.Parallel()
	const body = `{"event_id":"%s","metric":"sent","object_type":"email","data":{"campaign_id":7,"recipient":"a@gmail.com"}}`
	old, erased, odd, own := row("2025-12-31", "old"), row("2025-12-31", "erased"), row("2025-12-31", "odd"), row("2025-12-31", "own")
	for _, r := range []*warehouse.Row{&old, &erased, &own} {
		r.Raw = fmt.Appendf(nil, body, r.EventID)
	}
	odd.Raw = []byte(`"redacted"`)
	f := newFolder(t)
	write(t, f.Open(t), old, odd)
	f.asFirstVersion(t)
	erased.ErasedAt, own.Source = received, "own"
	write(t, f.Open(t), erased, own)
	compact(t, f.compaction()) // so that the rows of this version are in a file of the first
	f.isVersion(t, "2025-12-31", "workspace,event_id,metric", "1")

	if diff := gocmp.Diff(parquet.Filled{Days: 1, Files: 1, Rows: 2, Skipped: 2}, backfill(t, f)); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
	for _, r := range []*warehouse.Row{&old, &own} {
		r.SourceID, r.Domain, r.Provider = "7", "gmail.com", "gmail"
	}
	old.Source = "campaign"
	compare(t, want([]warehouse.Row{old, erased, odd, own}), f.Read(t))
}

// After an interruption a backfill goes on with the days that are left, and no event is
// lost or doubled meanwhile.
func TestBackfillGoesOn(t *testing.T) {
	t.Parallel()
	f := firstVersion(t)
	before := f.numbers(t)
	ctx, cancel := context.WithCancel(t.Context())
	b := f.backfilling()
	b.Grace = time.Hour
	b.Progress = func(done, _ int) {
		if done == 1 {
			cancel()
		}
	}
	filled, err := parquet.Backfill(ctx, b)
	if !errors.Is(err, context.Canceled) || filled.Days != 1 {
		t.Fatalf("the backfill did %+v and ended with %v", filled, err)
	}
	if diff := gocmp.Diff(before, f.numbers(t)); diff != "" {
		t.Errorf("views after an interruption (-before +after):\n%s", diff)
	}
	f.remove(t, "dt=2025-10-09/part-000000000001*") // the interruption may come later, too
	worker := row("2025-10-09", "while it runs")
	b = f.backfilling()
	b.Progress = func(done, _ int) {
		if done == 1 {
			write(t, f.Open(t), worker)
		}
	}
	if filled, err = parquet.Backfill(t.Context(), b); err != nil || filled.Days != 2 {
		t.Fatalf("the second backfill did %+v and ended with %v", filled, err)
	}
	if got := f.count(t); got != int64(firstVersionEvents+1) {
		t.Errorf("a reader sees %v events; want %d", got, firstVersionEvents+1)
	}
	if again := backfill(t, f); again != (parquet.Filled{}) {
		t.Errorf("a third backfill did %+v", again)
	}
	compact(t, f.compaction())
	f.isOneFile(t, "2025-10-09")
	if got := f.count(t); got != int64(firstVersionEvents+1) {
		t.Errorf("a reader sees %v events after a compaction; want %d", got, firstVersionEvents+1)
	}
}

// A broken file fails its day alone.
func TestBackfillBrokenFile(t *testing.T) {
	t.Parallel()
	f := firstVersion(t)
	f.put(t, "dt=2025-10-09/part-broken.parquet", []byte("PAR1 not much"))
	filled, err := parquet.Backfill(t.Context(), f.backfilling())
	if err == nil || !strings.Contains(err.Error(), "part-broken.parquet") || filled.Days != 1 {
		t.Errorf("report is %+v, error %v; want one day, and the broken file named", filled, err)
	}
}

func TestNoBackfillBesideCompaction(t *testing.T) {
	t.Parallel()
	f := firstVersion(t)
	var err error
	c := f.compaction()
	c.Progress = func(int, int) { _, err = parquet.Backfill(t.Context(), f.backfilling()) }
	compact(t, c)
	if !errors.Is(err, parquet.ErrCompacting) {
		t.Errorf("a backfill beside a compaction returned %v", err)
	}
}
