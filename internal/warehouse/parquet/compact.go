package parquet

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// A Compaction merges the files of each closed day into one that has every
// event once. Dir and Before are required.
type Compaction struct {
	// Dir is the folder of the warehouse.
	Dir string
	// Before closes the days that ended by then. Required: 48 hours ago is a good
	// choice. Events that come later are merged in by a later compaction.
	Before time.Time
	// Grace is how long merged files stay, after they have been replaced, for
	// readers that have already listed them. Meanwhile their rows are there
	// twice. Default 0; cioctl's is 30 s. Compact waits for it once, at its end.
	Grace time.Duration
	// Progress is told at the beginning and after each day how many days are
	// done. Default nobody.
	Progress func(done, total int)
}

// Merged says what a compaction has merged.
type Merged struct {
	// Days were compacted, Files merged into one a day.
	Days  int `json:"days"`
	Files int `json:"files"`
	// Rows are left, Duplicates are gone.
	Rows       int64 `json:"rows"`
	Duplicates int64 `json:"duplicates"`
	// BytesBefore and BytesAfter are the sizes of those days' files.
	BytesBefore int64 `json:"bytes_before"`
	BytesAfter  int64 `json:"bytes_after"`
}

// ErrCompacting is returned when another compaction of the warehouse runs.
var ErrCompacting = errors.New("another compaction of this folder is running: wait for it to end")

// Compact runs a compaction. Workers may go on to write, and readers to read.
// It may end at any point, also in a crash: the next one completes it.
//
// The order of steps makes it so: the merged file is durable under its name
// before any of its sources is removed, and a day counts as done only when the
// merged file is its only one. Only files that were merged are removed: what a
// worker adds meanwhile is another name, or an equal file under its old name.
//
// Its memory grows by some 50 bytes for each event of a day. An error of one
// day leaves that day as it was, and does not keep others from being done.
func Compact(ctx context.Context, c Compaction) (Merged, error) {
	if c.Progress == nil {
		c.Progress = func(int, int) {}
	}
	lock, err := lockCompaction(c.Dir)
	if err != nil {
		return Merged{}, err
	}
	defer lock.Close()
	days, err := daysToCompact(filepath.Join(c.Dir, warehouse.Events), c.Before)
	if err != nil {
		return Merged{}, err
	}
	var total Merged
	var old bin
	var errs []error
	c.Progress(0, len(days))
	for i, d := range days {
		done, sources, err := d.compact(ctx)
		if err != nil {
			errs = append(errs, fmt.Errorf("compact %s: %w", filepath.Base(d.folder), err))
		} else {
			total.add(done)
			old = append(old, replaced{time.Now().Add(c.Grace), sources})
			errs = append(errs, old.empty(time.Now()))
		}
		c.Progress(i+1, len(days))
	}
	errs = append(errs, old.emptyAll(ctx))
	return total, errors.Join(errs...)
}

func (r *Merged) add(o Merged) {
	r.Days += o.Days
	r.Files += o.Files
	r.Rows += o.Rows
	r.Duplicates += o.Duplicates
	r.BytesBefore += o.BytesBefore
	r.BytesAfter += o.BytesAfter
}

// lockCompaction takes the lock that one compaction at a time has. It vanishes
// with the process; the empty file stays.
func lockCompaction(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, ".compact.lock"), os.O_CREATE|os.O_RDONLY, 0o600)
	if err != nil {
		return nil, explain(fmt.Errorf("open lock file: %w", err))
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return f, nil
	}
	f.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, ErrCompacting
	}
	return nil, fmt.Errorf("lock %s: %w", dir, err)
}
