package parquet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	pq "github.com/parquet-go/parquet-go"
)

// Names of folders and files.
const (
	dayPrefix    = "dt="     // makes a folder a Hive partition
	batchPrefix  = "batch-"  // rows of one batch
	mergedPrefix = "merged-" // the rows of a day, merged
	fileSuffix   = ".parquet"

	// Prefixes of the first version. A compaction of that version drops the second
	// metric of an event_id, and leaves all files with other prefixes alone. So the
	// prefixes of this version protect its files.
	firstBatchPrefix  = "part-"
	firstMergedPrefix = "day-"
)

func isRows(name string) bool {
	return strings.HasSuffix(name, fileSuffix) &&
		(isMerged(name) || strings.HasPrefix(name, batchPrefix) || strings.HasPrefix(name, firstBatchPrefix))
}

func isMerged(name string) bool {
	return strings.HasPrefix(name, mergedPrefix) || strings.HasPrefix(name, firstMergedPrefix)
}

// A day has the files of a day. Files of batches come in the order of the stream.
type day struct {
	folder string
	files  []string
	bytes  int64
}

// daysToCompact returns the days that ended by before, except days that have one
// merged file only.
func daysToCompact(events string, before time.Time) ([]day, error) {
	days, err := daysBefore(events, before)
	return slices.DeleteFunc(days, day.compacted), err
}

// daysBefore returns the days that ended by before; a zero time stands for all days.
func daysBefore(events string, before time.Time) ([]day, error) {
	folders, err := os.ReadDir(events)
	if err != nil {
		return nil, explain(fmt.Errorf("list days: %w", err))
	}
	var days []day
	for _, f := range folders {
		start, err := time.Parse(dayPrefix+time.DateOnly, f.Name())
		if err != nil || !before.IsZero() && start.Add(24*time.Hour).After(before) {
			continue
		}
		d, err := readDay(filepath.Join(events, f.Name()))
		if err != nil {
			return nil, err
		}
		days = append(days, d)
	}
	return days, nil
}

// readDay lists the files of a day that this package has written. Other files stay
// untouched.
func readDay(folder string) (day, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return day{}, explain(fmt.Errorf("list files: %w", err))
	}
	d := day{folder: folder}
	for _, e := range entries {
		name := e.Name()
		if !isRows(name) {
			continue
		}
		info, err := e.Info()
		if err != nil {
			return day{}, explain(fmt.Errorf("list files: %w", err))
		}
		d.files = append(d.files, name)
		d.bytes += info.Size()
	}
	return d, nil
}

func (d day) compacted() bool {
	return len(d.files) == 0 || len(d.files) == 1 && isMerged(d.files[0])
}

// older returns the day with its files of older versions only. A file that cannot be
// read is among them, so that the error is about its day alone.
func (d day) older() day {
	d.files = slices.DeleteFunc(d.files, func(name string) bool {
		version := 0
		err := withFile(filepath.Join(d.folder, name), func(f *pq.File) (err error) {
			version, err = versionOf(f)
			return err
		})
		return err == nil && version >= currentVersion
	})
	return d
}

func (d day) paths() []string {
	paths := make([]string, len(d.files))
	for i, name := range d.files {
		paths[i] = filepath.Join(d.folder, name)
	}
	return paths
}

// merge writes the merged file and returns the paths of the replaced files. fill is nil
// when the rows stay as they are.
func (d day) merge(ctx context.Context, fill *filler) (Merged, []string, error) {
	m, err := newMerge(ctx, d.paths())
	if err != nil {
		return Merged{}, nil, err
	}
	m.fill = fill
	merged, err := publish(d.folder,
		func(w io.Writer) error { return m.write(ctx, w) },
		func(sum string) string { return mergedPrefix + sum + fileSuffix })
	if err != nil {
		return Merged{}, nil, err
	}
	info, err := os.Stat(filepath.Join(d.folder, merged))
	if err != nil {
		return Merged{}, nil, err
	}
	done := Merged{
		Days: 1, Files: len(d.files),
		Rows: m.kept, Duplicates: int64(len(m.keep)) - m.kept,
		BytesBefore: d.bytes, BytesAfter: info.Size(),
	}
	// After a crash the merged file may be among the sources, and already contains the
	// rows of the other files.
	sources := slices.DeleteFunc(d.paths(), func(p string) bool { return filepath.Base(p) == merged })
	return done, sources, nil
}

// A bin has the replaced files in the order of their removal.
type bin []replaced

type replaced struct {
	due   time.Time
	paths []string
}

// replacedFiles returns files that are removed after the grace.
func replacedFiles(grace time.Duration, paths ...string) replaced {
	return replaced{time.Now().Add(grace), paths}
}

// empty removes the files whose grace is over.
func (b *bin) empty(now time.Time) error {
	for len(*b) > 0 && !(*b)[0].due.After(now) {
		for _, p := range (*b)[0].paths {
			if err := os.Remove(p); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return explain(fmt.Errorf("remove replaced file: %w", err))
			}
		}
		*b = (*b)[1:]
	}
	return nil
}

// emptyAll waits for the grace of each file and removes all files. When ctx ends
// first, the other files stay for the next compaction.
func (b *bin) emptyAll(ctx context.Context) error {
	for len(*b) > 0 {
		timer := time.NewTimer(time.Until((*b)[0].due))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return fmt.Errorf("wait for readers of replaced files: %w", context.Cause(ctx))
		}
		if err := b.empty(time.Now()); err != nil {
			return err
		}
	}
	return nil
}
