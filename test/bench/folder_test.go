package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cioevents/cioevents/test/lab"
)

// TestLeftOver names the folder of a run that was killed, and not that of a run that goes on.
func TestLeftOver(t *testing.T) {
	t.Parallel()
	temp := t.TempDir()
	killed, err := newFolder(temp)
	if err != nil {
		t.Fatal(err)
	}
	killed.lock.Close() // as the kernel does at the end of a process
	running, err := newFolder(temp)
	if err != nil {
		t.Fatal(err)
	}
	defer running.remove()
	if err := os.MkdirAll(filepath.Join(killed.path, "nats"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(killed.path, "nats", "1.blk"), make([]byte, 3_000_000), 0o600); err != nil {
		t.Fatal(err)
	}
	got := leftOver(temp)
	if !strings.Contains(got, "rm -r "+killed.path+"\n") || !strings.Contains(got, "3 MB") || strings.Contains(got, running.path) {
		t.Errorf("%q; want the command to remove %s with 3 MB, and not %s", got, killed.path, running.path)
	}
	if _, err := os.Stat(killed.path); err != nil {
		t.Errorf("the folder of the killed run: %v", err)
	}
	running.remove()
	if err := os.RemoveAll(killed.path); err != nil {
		t.Fatal(err)
	}
	if got := leftOver(temp); got != "" {
		t.Errorf("%q without a folder", got)
	}
}

// TestInterrupted judges no memory of an ingest that the interrupt has ended.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	err := benchReceivers(ctx, func(ctx context.Context, _ func(context.Context) error) (condition, error) {
		cancel()
		return condition{}, ctx.Err()
	}, "Echo", &lab.Process{}, &lab.Process{}, true)
	if !errors.Is(err, context.Canceled) || errors.Is(err, errBound) {
		t.Errorf("%v, want the interrupt only", err)
	}
}
