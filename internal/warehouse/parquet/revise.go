package parquet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	pq "github.com/parquet-go/parquet-go"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// A revision is a change of rows that leaves no byte of the old rows in the folder.
type revision struct {
	// remove deletes the changed rows.
	remove   bool
	progress func(done, total int64)
	// changes returns the changed rows of a row group by their indexes: the Personal
	// columns, the payload and erased_at. A call with the same group returns the same rows.
	changes func(group) (map[int]*warehouse.Row, error)
	// count hears of the number of changed rows of a file. May be nil.
	count func(rows int)
}

// idleDraft is the age of a draft that no worker will finish. A sink writes a file within
// seconds, and a sink whose draft is gone writes the batch again.
const idleDraft = time.Minute

// revise replaces the files with changed rows, and leaves the other files as they are. The
// steps and the guarantees are those of Compact: after an interruption, the next revision
// finds the files that are left, and compactions wait meanwhile.
func revise(ctx context.Context, dir string, grace time.Duration, r revision) error {
	lock, err := lockCompaction(dir)
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := removeDrafts(dir, time.Now().Add(-idleDraft)); err != nil {
		return err
	}
	days, err := daysBefore(filepath.Join(dir, warehouse.Events), time.Time{})
	if err != nil {
		return err
	}
	if r.progress == nil {
		r.progress = func(int64, int64) {}
	}
	var old bin
	r.progress(0, int64(len(days)))
	for i, d := range days {
		for _, name := range d.files {
			path, err := r.file(ctx, d.folder, name)
			if err != nil {
				return errors.Join(fmt.Errorf("change rows of %s: %w", filepath.Join(d.folder, name), err), old.empty(time.Now()))
			}
			if path != "" {
				old = append(old, replacedFiles(grace, path))
			}
		}
		if err := old.empty(time.Now()); err != nil {
			return err
		}
		r.progress(int64(i+1), int64(len(days)))
	}
	return old.emptyAll(ctx)
}

// file writes the new file of a file with changed rows, and returns the path of the old
// file, or "" if the file has no such rows.
func (r *revision) file(ctx context.Context, folder, name string) (old string, err error) {
	path := filepath.Join(folder, name)
	changed := 0
	err = withFile(path, func(f *pq.File) error {
		return eachGroup(ctx, f, func(g group) error {
			rows, err := r.changes(g)
			changed += len(rows)
			return err
		})
	})
	if errors.Is(err, fs.ErrNotExist) { // an equal batch was written again, or somebody tidied up
		return "", nil
	}
	if err != nil || changed == 0 {
		return "", err
	}
	if r.count != nil {
		r.count(changed)
	}
	m, err := newMerge(ctx, []string{path})
	if err != nil {
		return "", err
	}
	m.revision = r
	if r.remove && changed == len(m.keep) {
		return path, nil
	}
	published, err := publish(folder, func(w io.Writer) error { return m.write(ctx, w) },
		func(sum string) string { return renamed(name, sum) })
	if err != nil || published == name {
		return "", err
	}
	return path, nil
}

// renamed returns the name of a changed file: the old name with another checksum, and with
// a prefix of this version.
func renamed(name, sum string) string {
	if isMerged(name) {
		return mergedPrefix + sum + fileSuffix
	}
	name = strings.TrimPrefix(strings.TrimPrefix(strings.TrimSuffix(name, fileSuffix), batchPrefix), firstBatchPrefix)
	if i := strings.LastIndexByte(name, '-'); i >= 0 {
		name = name[:i+1]
	}
	return batchPrefix + name + sum + fileSuffix
}

// revisable are the columns that a revision changes.
var revisable = slices.DeleteFunc(warehouse.Columns(), func(c warehouse.Column) bool {
	return !c.Personal && c.Name != payload && c.Name != erasedAt
})

// revising returns the replacement of a column in the changed rows.
func revising(name string, changed map[int]*warehouse.Row) replacement {
	i := slices.IndexFunc(revisable, func(c warehouse.Column) bool { return c.Name == name })
	if i < 0 {
		return nil
	}
	return func(row int, old pq.Value) pq.Value {
		if r, ok := changed[row]; ok {
			return valueOf(&revisable[i], r)
		}
		return old
	}
}
