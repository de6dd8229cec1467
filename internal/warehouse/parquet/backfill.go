package parquet

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// A Backfilling configures Backfill. Dir is required.
type Backfilling struct {
	// Dir is the folder of the warehouse.
	Dir string
	// Grace is the time for which replaced files stay: see Compaction.
	Grace time.Duration
	// Progress is called at the beginning and after each day with the number of days
	// that are done. Default nil.
	Progress func(done, total int)
}

// Filled counts the days, files and rows of a backfill.
type Filled struct {
	// Days counts the days that had files of older versions, Files these files.
	Days  int `json:"days"`
	Files int `json:"files"`
	// Rows counts the rows whose new columns were computed. Skipped counts the rows
	// that were erased, or whose payload is not an event.
	Rows    int64 `json:"rows"`
	Skipped int64 `json:"skipped"`
}

// Backfill computes the columns that files of older versions lack from the payloads.
// Backfill replaces NULLs only, and payloads that a new row would have altered, and leaves
// rows with erased_at unchanged. The files of
// older versions of a day become one file of this version, by the same steps and with
// the same guarantees as Compact: workers may write and readers may read meanwhile, and
// after an interruption the next backfill goes on with the days that are left.
//
// A worker of an older version goes on writing files of that version, so the last
// backfill comes after the upgrade of the last worker.
func Backfill(ctx context.Context, b Backfilling) (Filled, error) {
	lock, err := lockCompaction(b.Dir)
	if err != nil {
		return Filled{}, err
	}
	defer lock.Close()
	days, err := daysToFill(ctx, filepath.Join(b.Dir, warehouse.Events))
	if err != nil {
		return Filled{}, err
	}
	var total Filled
	err = eachDay(ctx, days, b.Grace, b.Progress, func(d day) ([]string, error) {
		fill := newFiller()
		_, sources, err := d.merge(ctx, fill)
		if err != nil {
			return nil, fmt.Errorf("backfill %s: %w", filepath.Base(d.folder), err)
		}
		total.Days++
		total.Files += len(d.files)
		total.Rows += fill.filled
		total.Skipped += fill.skipped
		return sources, nil
	})
	return total, err
}

// daysToFill returns the days with files of older versions, and only these files.
func daysToFill(ctx context.Context, events string) ([]day, error) {
	all, err := daysBefore(events, time.Time{})
	if err != nil {
		return nil, err
	}
	var days []day
	for _, d := range all {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if d = d.older(); len(d.files) > 0 {
			days = append(days, d)
		}
	}
	return days, nil
}
