package duckdb_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/duckdb"
	"github.com/cioevents/cioevents/internal/warehouse/warehousetest"
)

// A log is what a sink said.
type log struct {
	mu    sync.Mutex
	lines bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lines.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lines.String()
}

// waitFor returns when the log has the text.
func (l *log) waitFor(t *testing.T, text string) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(20 * time.Second)
	for !strings.Contains(l.String(), text) {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("the log does not say %q: %s", text, l)
		}
	}
}

// A process that knows nothing of leases, such as DuckDB's shell, is named and
// waited for.
func TestForeignHolder(t *testing.T) {
	t.Parallel()
	for _, role := range []string{"hold", "hold-ro"} {
		t.Run(role, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "e.duckdb")
			mustRun(t, path, "CREATE TABLE theirs (i INTEGER)")
			holder := startChild(t, role, path)
			if said := holder.line(); said != "held" {
				t.Fatalf("the holder said %q", said)
			}
			pid := fmt.Sprintf("process %d (", holder.cmd.Process.Pid)

			short, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			defer cancel()
			sink, err := duckdb.New(duckdb.Config{Path: path})
			if err != nil {
				t.Fatal(err)
			}
			if err := sink.Open(short); err == nil || !strings.Contains(err.Error(), pid) {
				t.Errorf("Open ends with %v; want an error that names %s…", err, pid)
			}

			var said log
			sink, err = duckdb.New(duckdb.Config{Path: path, Log: zerolog.New(&said)})
			if err != nil {
				t.Fatal(err)
			}
			defer sink.Close()
			opened := make(chan error, 1)
			go func() { opened <- sink.Open(t.Context()) }()
			said.waitFor(t, pid)
			select {
			case err := <-opened:
				t.Errorf("Open returned %v while another process had the file", err)
			default:
			}
			holder.end()
			if err := <-opened; err != nil {
				t.Errorf("Open when the file is free: %v", err)
			}
		})
	}
}

// A reader names the process that has the file, also when a worker with the lease waits
// for that process. A writer without a deadline says in its log whom it waits for.
func TestReaderNamesForeignHolder(t *testing.T) {
	t.Parallel()
	for _, workerWaits := range []bool{false, true} {
		t.Run(fmt.Sprintf("worker waits %t", workerWaits), func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "e.duckdb")
			mustRun(t, path, "CREATE TABLE theirs (i INTEGER)")
			holder := startChild(t, "hold", path)
			holder.line()
			pid := fmt.Sprintf("process %d (", holder.cmd.Process.Pid)
			if workerWaits {
				waitFor(t, path, pid)
			}
			short, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			if _, err := duckdb.Query(short, path, "SELECT 1"); err == nil || !strings.Contains(err.Error(), pid) || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Query ends with %v; want an error that names %s…", err, pid)
			}
			waitFor(t, path, pid)
			holder.end()
		})
	}
}

// waitFor starts an Open and waits until its log names the holder. The Open ends with the
// test.
func waitFor(t *testing.T, path, holder string) {
	t.Helper()
	var said log
	sink, err := duckdb.New(duckdb.Config{Path: path, Log: zerolog.New(&said)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	opened := make(chan struct{})
	go func() {
		defer close(opened)
		_ = sink.Open(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-opened
		sink.Close()
	})
	said.waitFor(t, holder)
}

// Workers of one machine and people with questions take turns.
func TestProcessesTakeTurns(t *testing.T) {
	t.Parallel()
	p := place{path: filepath.Join(t.TempDir(), "e.duckdb")}
	open(t, p.path)
	total := 0
	writers := []*child{startChild(t, "write", p.path), startChild(t, "write", p.path)}
	for _, w := range writers {
		total += inserted(t, w.line())
		p.query(t, "FROM customerio_messages") // gets its turn while both are busy
	}
	for _, w := range writers {
		for _, line := range w.end() {
			total += inserted(t, line)
		}
	}
	stored := p.query(t, "SELECT count(*) FROM customerio_events")[0][0]
	if want := batches * batchSize; total != want || stored != int64(want) {
		t.Errorf("the writers counted %d new rows and the table has %v; want %d", total, stored, want)
	}
}

// Rows for which Write returned survive the end of the process, and a batch that
// was under way is there in full or not at all. The next writer knows each of these rows, also
// when the filter of knownIDs answers.
func TestKilledWriter(t *testing.T) {
	t.Parallel()
	p := place{path: filepath.Join(t.TempDir(), "e.duckdb")}
	writer := startChild(t, "write", p.path)
	const returned = 5
	for range returned {
		writer.line()
	}
	writer.kill()
	stored := p.query(t, "SELECT count(*) FROM customerio_events")[0][0].(int64)
	if stored < returned*batchSize || stored%batchSize != 0 {
		t.Errorf("%d rows are stored; want at least %d, and whole batches of %d", stored, returned*batchSize, batchSize)
	}
	rows := warehousetest.Rows(batches * batchSize)
	rand.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] }) // late ones in each batch
	sink, sum := open(t, p.path), warehouse.Result{}
	for batch := range slices.Chunk(rows, batchSize) {
		got, err := sink.Write(t.Context(), batch)
		if err != nil {
			t.Fatal(err)
		}
		sum.Inserted, sum.Duplicates = sum.Inserted+got.Inserted, sum.Duplicates+got.Duplicates
	}
	if sum.Duplicates != int(stored) || sum.Inserted != len(rows)-int(stored) {
		t.Errorf("the rows again: %+v; want %d duplicates", sum, stored)
	}
}

// A disk that is full rejects no row, and the same sink goes on when it is not.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	said := startChild(t, "disk-full", filepath.Join(t.TempDir(), "e.duckdb")).end()
	if len(said) < 2 {
		t.Fatalf("the writer said %q", said)
	}
	stored := 0
	for _, line := range said[:len(said)-2] {
		stored += inserted(t, line)
	}
	full, after := said[len(said)-2], said[len(said)-1]
	if !strings.HasPrefix(full, "inserted 0, rejected 0, error true: ") {
		t.Errorf("the full disk made %q; want an error of the whole batch", full)
	}
	if want := fmt.Sprintf("then inserted %d, duplicates %d, error <nil>", batchSize, stored); after != want {
		t.Errorf("with room again, the writer said %q; want %q", after, want)
	}
}
