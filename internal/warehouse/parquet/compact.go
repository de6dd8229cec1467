package parquet

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// A Compaction configures Compact, which merges the files of each closed day into
// one file with each event once. Dir and Before are required.
type Compaction struct {
	// Dir is the folder of the warehouse.
	Dir string
	// Before closes the days that ended by this time; cioctl passes 48 hours ago. A
	// later compaction merges the events that come later.
	Before time.Time
	// Grace is the time for which replaced files stay, for readers that have listed
	// the files already. Meanwhile the folder contains the rows of the replaced files twice.
	// Compact waits for Grace once, at the end. Default 0; cioctl passes 30 s.
	Grace time.Duration
	// Progress is called at the beginning and after each day with the number of days
	// that are done. Default nil.
	Progress func(done, total int)
}

// Merged counts the days, files and rows that a compaction has merged.
type Merged struct {
	// Days counts the compacted days, Files the source files of the days.
	Days  int `json:"days"`
	Files int `json:"files"`
	// Rows counts the remaining rows, Duplicates the removed rows.
	Rows       int64 `json:"rows"`
	Duplicates int64 `json:"duplicates"`
	// BytesBefore and BytesAfter are the sizes of the days' files.
	BytesBefore int64 `json:"bytes_before"`
	BytesAfter  int64 `json:"bytes_after"`
}

// Compact runs a compaction. Workers may write and readers may read meanwhile. A
// compaction may end at any point, even by a crash: the next compaction completes
// the work.
//
// The order of steps makes this safe. The merged file is durable under its name
// before Compact removes a source. A day counts as done only when the merged file is
// the day's only file. Compact removes only files that were merged: a file that a
// worker adds meanwhile has another name, or is an equal file under the old name.
//
// Files of several releases become one file with the columns of all. The merged file has
// the lowest version of its sources, so that Backfill finds the file.
//
// Memory grows by some 60 bytes for each event of a day. After an error in one day
// the files of this day are unchanged, and Compact goes on with the other days.
func Compact(ctx context.Context, c Compaction) (Merged, error) {
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
	err = eachDay(ctx, days, c.Grace, c.Progress, func(d day) ([]string, error) {
		done, sources, err := d.merge(ctx, nil)
		if err != nil {
			return nil, fmt.Errorf("compact %s: %w", filepath.Base(d.folder), err)
		}
		total.add(done)
		return sources, nil
	})
	return total, err
}

// eachDay calls do for each day, and removes the files that do returns when their grace
// is over. After an error in one day, eachDay goes on with the other days.
func eachDay(ctx context.Context, days []day, grace time.Duration, progress func(done, total int), do func(day) (sources []string, err error)) error {
	if progress == nil {
		progress = func(int, int) {}
	}
	var old bin
	var errs []error
	progress(0, len(days))
	for i, d := range days {
		sources, err := do(d)
		if err == nil {
			old = append(old, replacedFiles(grace, sources...))
			err = old.empty(time.Now())
		}
		errs = append(errs, err)
		progress(i+1, len(days))
	}
	return errors.Join(append(errs, old.emptyAll(ctx))...)
}

func (r *Merged) add(o Merged) {
	r.Days += o.Days
	r.Files += o.Files
	r.Rows += o.Rows
	r.Duplicates += o.Duplicates
	r.BytesBefore += o.BytesBefore
	r.BytesAfter += o.BytesAfter
}
