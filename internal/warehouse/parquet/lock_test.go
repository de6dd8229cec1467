package parquet_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/cioevents/cioevents/internal/warehouse/parquet"
)

// The compaction of the first version drops the second metric of an event_id. It reads
// only files with its own names, and fails on a folder that this version has opened.
func TestFirstVersionsCompaction(t *testing.T) {
	t.Parallel()
	f := firstVersion(t)
	f.canLock(t, true)
	replayed := f.stored(t)
	compact(t, f.compaction())
	write(t, f.Open(t), replayed...)
	for _, name := range f.files(t) {
		if base := filepath.Base(name); strings.HasPrefix(base, "part-") || strings.HasPrefix(base, "day-") {
			t.Errorf("the compaction of the first version would read %s", name)
		}
	}
	f.canLock(t, false)
	opened := firstVersion(t)
	opened.canLock(t, true)
	opened.Open(t)
	opened.canLock(t, false)
}

// canLock checks whether the first version can lock the folder for a compaction.
func (f folder) canLock(t *testing.T, want bool) {
	t.Helper()
	lock, err := f.lockFirst()
	if err == nil {
		lock.Close()
	}
	if (err == nil) != want {
		t.Errorf("the first version locks the folder with the error %v; want success: %v", err, want)
	}
}

// lockFirst locks the folder as the first version does.
func (f folder) lockFirst() (*os.File, error) {
	file, err := os.OpenFile(filepath.Join(f.dir, ".compact.lock"), os.O_CREATE|os.O_RDONLY, 0o600)
	if err != nil {
		return nil, err
	}
	return file, syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
}

// A compaction of the first version that runs already comes to its end first.
func TestBesideFirstVersionsCompaction(t *testing.T) {
	t.Parallel()
	f := firstVersion(t)
	lock, err := f.lockFirst()
	if err != nil {
		t.Fatal(err)
	}
	write(t, f.Open(t), row("2025-12-31", "a worker goes on"))
	if _, err := parquet.Compact(t.Context(), f.compaction()); !errors.Is(err, parquet.ErrCompacting) {
		t.Errorf("the compaction returned %v", err)
	}
	lock.Close()
	compact(t, f.compaction())
	f.canLock(t, false)
}
