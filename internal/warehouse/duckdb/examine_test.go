package duckdb_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/duckdb"
	"github.com/cioevents/cioevents/internal/warehouse/warehousetest"
)

// examined returns the signs in lines.
func examined(t *testing.T, path string) string {
	t.Helper()
	began := time.Now()
	var lines []string
	for _, s := range duckdb.Examine(t.Context(), path) {
		lines = append(lines, fmt.Sprintf("broken %t: %s → %s", s.Broken, s.Detail, s.Remedy))
	}
	if took := time.Since(began); took > 7*time.Second {
		t.Errorf("took %v", took)
	}
	return strings.Join(lines, "\n")
}

func expect(t *testing.T, got string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

// A worker that has the file and writes is healthy, and loses no batch.
func TestExamineBesideAWorker(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "e.duckdb")
	expect(t, examined(t, path), "is writable, ", "broken false: the file does not exist yet → start a worker")
	sink := open(t, path)
	healthy := fmt.Sprintf("broken false: readable, %d columns and %d views → ", len(warehouse.Columns()), len(warehouse.Views()))
	expect(t, examined(t, path), healthy)
	stop, stopped := make(chan struct{}), make(chan error, 1)
	go func() {
		rows := warehousetest.Rows(1000)
		for {
			select {
			case <-stop:
				stopped <- nil
				return
			default:
			}
			if _, err := sink.Write(t.Context(), rows); err != nil {
				stopped <- err
				return
			}
		}
	}()
	for range 3 {
		expect(t, examined(t, path), healthy)
	}
	close(stop)
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

// A program that takes no lease is named, also one that only reads: no worker can write
// meanwhile. A short query of the program does no harm.
func TestExamineLocked(t *testing.T) {
	t.Parallel()
	for _, role := range []string{"hold", "hold-ro"} {
		t.Run(role, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "e.duckdb")
			if err := open(t, path).Close(); err != nil {
				t.Fatal(err)
			}
			other := startChild(t, role, path)
			other.line()
			expect(t, examined(t, path), fmt.Sprintf("broken true: another program has the file open: process %d (duckdb.test) → close the file there", other.cmd.Process.Pid))
			time.AfterFunc(time.Second, func() { other.stdin.Close() })
			expect(t, examined(t, path), "broken false: readable, ")
			other.end()
		})
	}
}

// A file of another release lacks columns and views.
func TestExamineOlderFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "e.duckdb")
	mustRun(t, path, duckdb.Statements()...)
	mustRun(t, path, "DROP VIEW main.customerio_bounces", "DROP VIEW messaging.customerio_bounces")
	expect(t, examined(t, path), "broken false: missing, or of another release: view customerio_bounces → start a worker of this release, or run cioctl warehouse migrate")
}
