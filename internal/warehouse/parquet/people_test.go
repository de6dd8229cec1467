package parquet_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	pq "github.com/parquet-go/parquet-go"

	"github.com/cioevents/cioevents/internal/privacy"
	"github.com/cioevents/cioevents/internal/privacy/privacytest"
	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/parquet"
	"github.com/cioevents/cioevents/internal/warehouse/warehousetest"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// people is a folder, as the suite knows a store.
type people struct{ folder }

func (p people) Store(*testing.T) privacy.Store { return &parquet.People{Dir: p.dir} }

// Add writes each event twice, as after a redelivery.
func (p people) Add(t *testing.T, events []privacytest.Event) {
	t.Helper()
	rows := make([]warehouse.Row, len(events))
	for i, e := range events {
		if err := rows[i].Parse(e.Body, warehouse.Origin{EventID: e.ID, Workspace: e.Workspace, ReceivedAt: e.At}); err != nil {
			t.Fatal(err)
		}
	}
	half := len(rows) / 2
	warehousetest.Fill(t, p.Sink(t), rows[:half], rows[half:], rows)
}

// Read returns what all files say, also rows that readers do not see.
func (p people) Read(t *testing.T) map[privacytest.Key]string {
	t.Helper()
	events := map[privacytest.Key][]string{}
	columns, rows := p.Query(t, "SELECT * EXCLUDE (filename, file_row_number, received_at, erased_at) FROM messaging.customerio_events_raw ORDER BY ALL")
	for _, row := range rows {
		values := map[string]any{}
		for i, name := range columns {
			values[name] = row[i]
		}
		metric, _ := values["metric"].(string)
		key := privacytest.Key{Workspace: values["workspace"].(string), ID: values["event_id"].(string), Metric: webhook.Metric(metric)}
		events[key] = append(events[key], fmt.Sprint(values))
	}
	texts := map[privacytest.Key]string{}
	for key, list := range events {
		texts[key] = fmt.Sprint(list)
	}
	return texts
}

func TestPeople(t *testing.T) {
	t.Parallel()
	privacytest.Run(t, privacytest.Features{}, func(t *testing.T) privacytest.Place {
		t.Helper()
		return people{newFolder(t)}
	})
}

var ann = privacy.Person{Workspace: "w", Identifiers: []privacy.Identifier{{Kind: privacy.ID, Value: "ann-4711"}}}

// annsRows returns the rows of a day, of which one is Ann's on each second day.
func annsRows(day int) []warehouse.Row {
	rows := make([]warehouse.Row, 50)
	at := time.Date(2026, 1, 1+day, 10, 0, 0, 0, time.UTC)
	for i := range rows {
		id := fmt.Sprintf("bob-%d", i)
		if day%2 == 1 && i == 7 {
			id = "ann-4711"
		}
		body := fmt.Sprintf(`{"event_id":"e%d-%d","object_type":"email","metric":"sent","timestamp":%d,"data":{"identifiers":{"id":%q},"recipient":"%s@example.com","subject":"Dear %s"}}`, day, i, at.Unix(), id, id, id)
		if err := rows[i].Parse([]byte(body), warehouse.Origin{EventID: fmt.Sprintf("e%d-%d", day, i), Workspace: "w", ReceivedAt: at, Sequence: uint64(day*100 + i + 1)}); err != nil {
			panic(err) // a fault of this file
		}
	}
	return rows
}

// annsFolder returns a folder with four days, of which the last two are compacted.
func annsFolder(t *testing.T) folder {
	t.Helper()
	f := newFolder(t)
	warehousetest.Fill(t, f.Sink(t), annsRows(0), annsRows(1), annsRows(2), annsRows(3))
	compact(t, parquet.Compaction{Dir: f.dir, Before: time.Date(2026, 1, 3, 0, 0, 0, 0, time.UTC)})
	if n := filesWith(t, f.dir, "ann-4711"); n != 2 {
		t.Fatalf("%d files show Ann before the erasure; want 2", n)
	}
	return f
}

// filesWith returns the number of Parquet files with a text in one of all columns.
func filesWith(t *testing.T, dir, text string) (n int) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".parquet" {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		f, err := pq.OpenFile(bytes.NewReader(content), int64(len(content)))
		if err != nil {
			return err
		}
		rows := f.RowGroups()
		found := bytes.Contains(content, []byte(text)) // in statistics
		for _, g := range rows {
			buffer := make([]pq.Row, g.NumRows())
			r := g.Rows()
			if _, err := r.ReadRows(buffer); err != nil && err.Error() != "EOF" {
				return err
			}
			for _, row := range buffer {
				for _, v := range row {
					found = found || v.Kind() == pq.ByteArray && bytes.Contains(v.ByteArray(), []byte(text))
				}
			}
			r.Close()
		}
		if found {
			n++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// An erasure replaces the files with a row of the person, keeps the other files, and leaves
// no old file and no draft when it returns.
func TestEraseReplacesFilesWithHits(t *testing.T) {
	t.Parallel()
	f := annsFolder(t)
	before, files := f.Read(t), f.files(t)
	draft := filepath.Join(f.dir, "customerio_events", "dt=2026-01-02", ".draft-0000000000000001.tmp")
	if err := os.WriteFile(draft, []byte("ann-4711"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(draft, time.Time{}, time.Now().Add(-2*time.Minute)); err != nil {
		t.Fatal(err)
	}
	erased, err := (&parquet.People{Dir: f.dir, Grace: 50 * time.Millisecond}).Erase(t.Context(), []privacy.Person{ann}, privacy.EraseOptions{})
	if diff := cmp.Diff(privacy.Erased{Events: 2}, erased); err != nil || diff != "" {
		t.Errorf("erased (-want +got):\n%s%v", diff, err)
	}
	if n := filesWith(t, f.dir, "ann-4711"); n != 0 {
		t.Errorf("%d files show Ann", n)
	}
	if _, err := os.Stat(draft); err == nil {
		t.Error("an idle draft is left")
	}
	after := f.files(t)
	same := 0
	for _, name := range files {
		if slices.Contains(after, name) {
			same++
		}
	}
	if len(after) != len(files) || same != len(files)-2 {
		t.Errorf("files were %q and are %q; want two others", files, after)
	}
	for _, row := range before {
		if row["customer_id"] == "ann-4711" {
			for _, c := range warehouse.Columns() {
				if c.Personal {
					row[c.Name] = nil
				}
			}
		}
	}
	ignored := cmpopts.IgnoreMapEntries(func(name string, _ any) bool { return name == "erased_at" || name == "payload" })
	sorted := cmpopts.SortSlices(func(a, b map[string]any) bool { return a["event_id"].(string) < b["event_id"].(string) })
	if diff := cmp.Diff(before, f.Read(t), ignored, sorted); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

// A day keeps no file when all its rows are deleted.
func TestEraseWholeFile(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	warehousetest.Fill(t, f.Sink(t), annsRows(1)[7:8])
	erased, err := (&parquet.People{Dir: f.dir}).Erase(t.Context(), []privacy.Person{ann}, privacy.EraseOptions{Rows: true})
	if err != nil || erased.Events != 1 {
		t.Errorf("erased %+v, %v", erased, err)
	}
	if got := f.files(t); len(got) != 0 || len(f.Read(t)) != 0 {
		t.Errorf("files are %q, rows %v", got, f.Read(t))
	}
}

// An erasure and a compaction exclude each other.
func TestEraseBesideCompaction(t *testing.T) {
	t.Parallel()
	f := annsFolder(t)
	_, err := (&parquet.People{Dir: f.dir}).Erase(t.Context(), []privacy.Person{ann}, privacy.EraseOptions{Progress: func(int64, int64) {
		if _, err := parquet.Compact(t.Context(), f.compaction()); !errors.Is(err, parquet.ErrCompacting) {
			t.Errorf("a compaction beside an erasure: %v", err)
		}
	}})
	if err != nil {
		t.Error(err)
	}
}

// TestEraserProcess is the process of TestEraseKilled.
func TestEraserProcess(t *testing.T) { //nolint:paralleltest // it runs alone
	if flag.NArg() != 2 {
		t.Skip("runs as a process of TestEraseKilled")
	}
	store := &parquet.People{Dir: flag.Arg(0)}
	if flag.Arg(1) == "grace" {
		store.Grace = time.Hour
	}
	_, _ = store.Erase(context.Background(), []privacy.Person{ann}, privacy.EraseOptions{Progress: func(done, total int64) {
		if flag.Arg(1) == fmt.Sprint(done) || flag.Arg(1) == "grace" && done == total {
			fmt.Println("killable")
			if flag.Arg(1) != "grace" {
				select {}
			}
		}
	}})
}

// A process that is killed leaves whole files, and the next erasure finishes.
func TestEraseKilled(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"0", "3", "grace"} {
		t.Run(at, func(t *testing.T) {
			t.Parallel()
			f := annsFolder(t)
			cmd := process(t, "TestEraserProcess", f.dir, at)
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			if lines := bufio.NewScanner(out); !lines.Scan() || lines.Text() != "killable" {
				t.Fatalf("the process said %q", lines.Text())
			}
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait()
			if n := len(f.Read(t)); n != 200 {
				t.Errorf("after the kill a reader sees %d events", n)
			}
			if _, err := (&parquet.People{Dir: f.dir}).Erase(t.Context(), []privacy.Person{ann}, privacy.EraseOptions{}); err != nil {
				t.Fatal(err)
			}
			if n := filesWith(t, f.dir, "ann-4711"); n != 0 || len(f.Read(t)) != 200 {
				t.Errorf("%d files show Ann, a reader sees %d events", n, len(f.Read(t)))
			}
		})
	}
}

// A rewriting changes what its function changes, and nothing else.
func TestRewrite(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	warehousetest.Fill(t, f.Sink(t), annsRows(0), annsRows(1), warehousetest.MixedRows(500, 3))
	before := f.Read(t)
	change := func(r *warehouse.Row) bool {
		if r.Subject == "" {
			return false
		}
		r.Subject, r.Raw = "", []byte(`{"redacted":true}`)
		return true
	}
	erased, err := parquet.Rewrite(t.Context(), parquet.Rewriting{Dir: f.dir, Change: change})
	if err != nil {
		t.Fatal(err)
	}
	var want int64
	for _, row := range before {
		if row["subject"] != nil {
			row["subject"], row["payload"] = nil, `{"redacted":true}`
			want++
		}
	}
	if erased.Events < want || want < 100 {
		t.Errorf("rewritten: %+v; want %d events", erased, want)
	}
	sorted := cmpopts.SortSlices(func(a, b map[string]any) bool {
		return fmt.Sprint(a["event_id"], a["metric"], a["workspace"]) < fmt.Sprint(b["event_id"], b["metric"], b["workspace"])
	})
	if diff := cmp.Diff(before, f.Read(t), sorted); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if erased, err := parquet.Rewrite(t.Context(), parquet.Rewriting{Dir: f.dir, Change: change}); err != nil || erased.Events != 0 {
		t.Errorf("the second time: %+v, %v", erased, err)
	}
}

func TestViewsAfterErasure(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	warehousetest.Erasures(t, f, warehousetest.MixedRows(4000, 7), f.rows, &parquet.People{Dir: f.dir})
}
