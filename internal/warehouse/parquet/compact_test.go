package parquet_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	pq "github.com/parquet-go/parquet-go"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/parquet"
)

// newYear closes the days of 2025 and all days before.
var newYear = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func (f folder) compaction() parquet.Compaction {
	return parquet.Compaction{Dir: f.dir, Before: newYear, Grace: time.Nanosecond}
}

func compact(t *testing.T, c parquet.Compaction) parquet.Merged {
	t.Helper()
	report, err := parquet.Compact(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// isOneFile checks that the day is one merged file.
func (f folder) isOneFile(t *testing.T, day string) {
	t.Helper()
	var files []string
	for _, name := range f.files(t) {
		if strings.HasPrefix(name, "dt="+day) {
			files = append(files, name)
		}
	}
	if len(files) != 1 || !strings.HasPrefix(files[0], "dt="+day+"/merged-") {
		t.Errorf("the files of %s are %v; want one merged file", day, files)
	}
}

func TestCompact(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	sink := f.Open(t)
	again := row("2025-12-31", "1")
	again.ReceivedAt = again.ReceivedAt.Add(time.Hour)
	rows := []warehouse.Row{row("2025-12-30", "a"), row("2025-12-31", "1"), row("2025-12-31", "2"), row("2026-01-01", "open")}
	write(t, sink, rows[1], again, rows[0])
	write(t, sink, again, rows[2])
	write(t, sink, rows[2], rows[3])
	write(t, sink, rows[3], row("2026-01-01", "open"))

	var progress []string
	c := f.compaction()
	c.Progress = func(done, total int) { progress = append(progress, fmt.Sprint(done, "/", total)) }
	got := compact(t, c)
	if got.BytesBefore <= got.BytesAfter || got.BytesAfter == 0 {
		t.Errorf("%d bytes became %d", got.BytesBefore, got.BytesAfter)
	}
	got.BytesBefore, got.BytesAfter = 0, 0
	if diff := gocmp.Diff(parquet.Merged{Days: 2, Files: 4, Rows: 3, Duplicates: 3}, got); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
	if diff := gocmp.Diff([]string{"0/2", "1/2", "2/2"}, progress); diff != "" {
		t.Errorf("progress (-want +got):\n%s", diff)
	}
	f.isOneFile(t, "2025-12-30")
	f.isOneFile(t, "2025-12-31")
	compare(t, want(rows), f.Read(t))

	if got := compact(t, f.compaction()); got != (parquet.Merged{}) {
		t.Errorf("a second compaction did %+v", got)
	}
	late := row("2025-12-31", "late")
	write(t, sink, late, rows[1])
	compact(t, f.compaction())
	f.isOneFile(t, "2025-12-31")
	compare(t, want(append(rows, late)), f.Read(t))
}

// All columns survive, and rows that fill several pages and row groups.
func TestCompactKeepsValues(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	rows := payloadRows(t)
	for i := range 5 {
		big := row("2025-12-31", fmt.Sprint("big", i))
		big.Raw = fmt.Appendf(nil, `{"x":"%s"}`, strings.Repeat(fmt.Sprint(i), 8<<20))
		rows = append(rows, big)
	}
	for i := range 1500 {
		rows = append(rows, row("2025-12-31", fmt.Sprint("small", i)))
	}
	for i := range rows {
		rows[i].Timestamp = row("2025-12-31", "").Timestamp
	}
	half := len(rows) / 2
	write(t, f.Open(t), rows[:half+100]...)
	write(t, f.Open(t), rows[half:]...)
	compact(t, f.compaction())
	f.isOneFile(t, "2025-12-31")
	compare(t, want(rows), f.Read(t))
}

// An older release lacks columns, a newer one has more: both survive.
func TestCompactFilesOfOtherReleases(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	write(t, f.Open(t), row("2025-12-31", "now"))
	type file struct {
		EventID    string    `parquet:"event_id"`
		ReceivedAt time.Time `parquet:"received_at,timestamp(microsecond)"`
		Workspace  string    `parquet:"workspace"`
		Newer      *int64    `parquet:"newer,optional"`
		Payload    string    `parquet:"payload"`
	}
	newer := int64(7)
	other := file{EventID: "other", ReceivedAt: row("2025-12-31", "").ReceivedAt, Workspace: "default", Newer: &newer, Payload: "{}"}
	path := filepath.Join(f.dir, warehouse.Events, "dt=2025-12-31", "part-other.parquet")
	if err := pq.WriteFile(path, []file{other}); err != nil {
		t.Fatal(err)
	}
	const query = "SELECT event_id, metric, newer, received_at IS NOT NULL FROM customerio_events ORDER BY 1"
	_, before := f.Query(t, query)
	compact(t, f.compaction())
	f.isOneFile(t, "2025-12-31")
	_, after := f.Query(t, query)
	for _, got := range [][][]any{before, after} {
		if diff := gocmp.Diff([][]any{{"now", "sent", nil, true}, {"other", nil, int64(7), true}}, got); diff != "" {
			t.Errorf("rows (-want +got):\n%s", diff)
		}
	}
}

// Wherever a compaction ends, no event is lost or doubled, and the next compaction
// completes the work.
func TestCompactionEndsInTheMiddle(t *testing.T) {
	t.Parallel()
	late := row("2025-12-31", "late")
	for name, crash := range map[string]func(t *testing.T, f folder) (more []warehouse.Row){
		"while it writes": func(t *testing.T, f folder) []warehouse.Row {
			t.Helper()
			f.put(t, "dt=2025-12-31/.draft-0123456789abcdef.tmp", []byte("PAR1 half a file"))
			return nil
		},
		"before it removes": func(t *testing.T, f folder) []warehouse.Row {
			t.Helper()
			mergeOnly(t, f)
			return nil
		},
		"while it removes": func(t *testing.T, f folder) []warehouse.Row {
			t.Helper()
			mergeOnly(t, f)
			for _, name := range f.files(t) {
				if strings.Contains(name, "/batch-") {
					f.remove(t, name)
					break
				}
			}
			return nil
		},
		"before it removes, and an event comes late": func(t *testing.T, f folder) []warehouse.Row {
			t.Helper()
			mergeOnly(t, f)
			write(t, f.Open(t), row("2025-12-31", "1"), late)
			return []warehouse.Row{late}
		},
		"before it removes the merged file of the time before": func(t *testing.T, f folder) []warehouse.Row {
			t.Helper()
			compact(t, f.compaction())
			write(t, f.Open(t), late)
			mergeOnly(t, f)
			for _, name := range f.files(t) {
				if strings.Contains(name, "/batch-") {
					f.remove(t, name)
				}
			}
			if n := len(f.files(t)); n != 2 {
				t.Fatalf("there are %d files; want two merged ones", n)
			}
			return []warehouse.Row{late}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFolder(t)
			rows := []warehouse.Row{row("2025-12-31", "1"), row("2025-12-31", "2"), row("2025-12-31", "3")}
			write(t, f.Open(t), rows[:2]...)
			write(t, f.Open(t), rows[1:]...)
			rows = append(rows, crash(t, f)...)
			compare(t, want(rows), f.Read(t))
			compact(t, f.compaction())
			compare(t, want(rows), f.Read(t))
			f.remove(t, "dt=2025-12-31/.draft-*") // which Open removes in its time
			f.isOneFile(t, "2025-12-31")
			if _, got := f.Query(t, "SELECT count(*) FROM read_parquet('"+f.dir+"/*/*/merged-*.parquet')"); got[0][0] != int64(len(rows)) {
				t.Errorf("the merged file has %v rows; want %d", got[0][0], len(rows))
			}
		})
	}
}

// mergeOnly compacts and ends before the sources are removed.
func mergeOnly(t *testing.T, f folder) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	c := f.compaction()
	c.Grace = time.Hour
	c.Progress = func(done, _ int) {
		if done > 0 {
			cancel()
		}
	}
	if _, err := parquet.Compact(ctx, c); !errors.Is(err, context.Canceled) {
		t.Fatalf("the compaction ended with %v", err)
	}
}

func TestOneCompactionAtATime(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	write(t, f.Open(t), row("2025-12-31", "1"))
	c := f.compaction()
	var second error
	c.Progress = func(int, int) { _, second = parquet.Compact(t.Context(), f.compaction()) }
	compact(t, c)
	if !errors.Is(second, parquet.ErrCompacting) {
		t.Errorf("a second compaction meanwhile returned %v", second)
	}
}

// A day with a broken file stays unchanged, and does not stop the other days.
func TestCompactBrokenFile(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	write(t, f.Open(t), row("2025-12-30", "1"), row("2025-12-31", "1"))
	f.put(t, "dt=2025-12-30/batch-broken.parquet", []byte("PAR1 not much"))
	before := f.files(t)
	report, err := parquet.Compact(t.Context(), f.compaction())
	if err == nil || !strings.Contains(err.Error(), "batch-broken.parquet") || report.Days != 1 {
		t.Errorf("report is %+v, error %v; want one day, and the broken file named", report, err)
	}
	f.isOneFile(t, "2025-12-31")
	if diff := gocmp.Diff(before[:2], f.files(t)[:2]); diff != "" {
		t.Errorf("files of the broken day (-want +got):\n%s", diff)
	}
}

func (f folder) put(t *testing.T, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(f.dir, warehouse.Events, name), content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func (f folder) remove(t *testing.T, pattern string) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(f.dir, warehouse.Events, pattern))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
}
