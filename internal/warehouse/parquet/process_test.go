package parquet_test

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/parquet"
)

// processBatch is what a writer process writes as its nth batch, over two days.
func processBatch(n int) []warehouse.Row {
	var rows []warehouse.Row
	for i := range 200 {
		rows = append(rows, row([]string{"2025-12-30", "2025-12-31"}[i%2], fmt.Sprintf("%d-%d", n, i)))
	}
	return rows
}

// process runs a test of this binary as another process, with arguments.
func process(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return exec.CommandContext(t.Context(), binary, append([]string{"-test.run=^" + name + "$", "--"}, args...)...)
}

// TestWriterProcess is the writer that TestKill kills. It prints the number of
// each batch that is written.
func TestWriterProcess(t *testing.T) { //nolint:paralleltest // it runs alone
	if flag.NArg() != 1 {
		t.Skip("runs as a process of TestKill")
	}
	sink := folder{flag.Arg(0)}.Open(t)
	for n := 0; ; n++ {
		write(t, sink, processBatch(n)...)
		fmt.Println(n)
	}
}

// kill -9 leaves no half file under a name that readers read, and loses no
// acknowledged batch.
func TestKill(t *testing.T) {
	t.Parallel()
	for _, after := range []int{0, 3, 10} {
		t.Run(strconv.Itoa(after), func(t *testing.T) {
			t.Parallel()
			f := newFolder(t)
			acked := killAfter(t, f, after)
			var rows []warehouse.Row
			for n := range acked {
				rows = append(rows, processBatch(n)...)
			}
			seen := make(map[any]bool)
			for _, r := range f.Read(t) {
				seen[r["event_id"]] = true
			}
			for _, r := range rows {
				if !seen[r.EventID] {
					t.Fatalf("event %s of %d acknowledged batches is missing", r.EventID, acked)
				}
			}
			write(t, f.Open(t), rows...) // a redelivery
			compact(t, f.compaction())
			if got := f.Read(t); len(got) != len(seen) {
				t.Errorf("a reader sees %d events after a redelivery and a compaction; want %d", len(got), len(seen))
			}
		})
	}
}

// killAfter runs a writer and kills it when it has written so many batches. It
// returns how many it has acknowledged.
func killAfter(t *testing.T, f folder, batches int) (acked int) {
	t.Helper()
	cmd := process(t, "TestWriterProcess", f.dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if n, err := strconv.Atoi(lines.Text()); err != nil || n != acked {
			t.Fatalf("the process printed %q; want %d", lines.Text(), acked)
		}
		acked++
		if acked == batches+1 {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := cmd.Wait(); err == nil {
		t.Fatal("the process ended by itself")
	}
	return acked
}

// TestSmallDiskProcess is the process of TestSmallDisk.
func TestSmallDiskProcess(t *testing.T) { //nolint:paralleltest // it runs alone
	if flag.NArg() != 1 {
		t.Skip("runs as a process of TestSmallDisk")
	}
	signal.Ignore(syscall.SIGXFSZ)
	f := folder{flag.Arg(0)}
	sink := f.Open(t)
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	small := syscall.Rlimit{Cur: 5000, Max: limit.Max}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &small); err != nil {
		t.Fatal(err)
	}
	if _, err := sink.Write(t.Context(), processBatch(0)); !errors.Is(err, syscall.EFBIG) {
		t.Errorf("the error is %v; want EFBIG", err)
	}
	if files := f.files(t); len(files) > 0 {
		t.Errorf("a failed batch left %v", files)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	write(t, sink, processBatch(1)...)
}

// A write that fails half way leaves no file, and the sink goes on afterwards. A limit
// on the size of a file stands in for a full disk.
func TestSmallDisk(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	if out, err := process(t, "TestSmallDiskProcess", f.dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	compare(t, want(processBatch(1)), f.Read(t))
}

func TestNotAFolder(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	sink := f.Open(t)
	f.put(t, "dt=2025-12-31", nil) // a file where the day's folder belongs
	if _, err := sink.Write(t.Context(), processBatch(0)); !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("the error is %v; want ENOTDIR", err)
	}
	f.remove(t, "dt=2025-12-31")
	write(t, sink, processBatch(0)...)
	compare(t, want(processBatch(0)), f.Read(t))

	if err := (folder{filepath.Join(f.dir, "views.sql")}).Sink(t).Open(t.Context()); !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("Open of a file returned %v; want ENOTDIR", err)
	}
	if _, err := parquet.New(parquet.Config{}); err == nil {
		t.Error("New without a folder is no error")
	}
}

func TestOpenRemovesOldDrafts(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	write(t, f.Open(t), row("2025-12-31", "1"))
	f.put(t, "dt=2025-12-31/.draft-old.tmp", []byte("PAR1"))
	f.put(t, "dt=2025-12-31/.draft-new.tmp", []byte("PAR1"))
	old := time.Now().Add(-61 * time.Minute)
	if err := os.Chtimes(filepath.Join(f.dir, warehouse.Events, "dt=2025-12-31", ".draft-old.tmp"), old, old); err != nil {
		t.Fatal(err)
	}
	f.Open(t)
	got := strings.Join(f.files(t), " ")
	if strings.Contains(got, "old") || !strings.Contains(got, "new") {
		t.Errorf("the files are %s; want the new draft and not the old one", got)
	}
	compare(t, want([]warehouse.Row{row("2025-12-31", "1")}), f.Read(t))
}

// Writers and compactions of the same days at once lose nothing. Every batch is
// written by two of the writers, as after a redelivery.
func TestWritersBesideCompactions(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	const writers, batches = 4, 6
	var writing sync.WaitGroup
	for w := range writers {
		sink := f.Open(t)
		writing.Go(func() {
			for n := range batches {
				if _, err := sink.Write(t.Context(), processBatch(w/2*batches+n)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { defer close(done); writing.Wait() }()
	for compacting := true; compacting; {
		select {
		case <-done:
			compacting = false
		default:
		}
		compact(t, f.compaction())
	}
	var rows []warehouse.Row
	for n := range writers / 2 * batches {
		rows = append(rows, processBatch(n)...)
	}
	compare(t, want(rows), f.Read(t))
	f.isOneFile(t, "2025-12-30")
	f.isOneFile(t, "2025-12-31")
}
