package duckdb

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/privacy"
	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/duckdbsql"
)

// A revision is a change of rows that leaves no byte of the old rows in the file.
type revision struct {
	// remove deletes the changed rows.
	remove bool
	// step is the number of rows of a step.
	step     int64
	progress func(done, total int64)
	// prepare looks at the file, and reports whether there is anything to change.
	prepare func(context.Context, *file) (bool, error)
	// changes returns the changed rows with numbers from from on, below to: their
	// numbers by setNumber, their Personal columns, payloads and erased_at.
	changes func(_ context.Context, _ *file, from, to int64) ([]warehouse.Row, error)
	// traces returns the texts that the bytes of the new file must not show. Default none.
	traces func() []string
}

// reviseMemory is the index in memoryLimits of the first limit for a revision, 336 MB. Each
// lane has the rows of a row group in memory, and with less a copy is slower.
const reviseMemory = 2

// revise runs a revision under the lease of the file.
//
//  1. The rows go to a new file beside the old one, step by step, with the changes. The
//     old file stays as it is. If the process ends, the next revision starts over.
//  2. The new file replaces the old file: see replace.
//
// A file that DuckDB cannot copy, or without room beside it, gets the changes in place. The
// marker beside such a file says that old bytes are left, until a revision has succeeded.
func revise(ctx context.Context, path string, log zerolog.Logger, r revision) (erased privacy.Erased, err error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return privacy.Erased{}, fmt.Errorf("open database: %s: %w", path, fs.ErrNotExist)
	}
	s, err := New(Config{Path: path, Log: log})
	if err != nil {
		return privacy.Erased{}, err
	}
	s.memory = reviseMemory
	defer func() { err = errors.Join(err, s.Close()) }()
	if err := s.Open(ctx); err != nil { // a file of an older release lacks columns
		return privacy.Erased{}, err
	}
	if r.progress == nil {
		r.progress = func(int64, int64) {}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	err = s.withMemory(ctx, func() error {
		erased, err = s.revise(ctx, r)
		return err
	})
	return erased, err
}

func (s *Sink) revise(ctx context.Context, r revision) (erased privacy.Erased, err error) {
	v := newVersions(s.cfg.Path)
	if err := v.removeLeftovers(); err != nil {
		return erased, err
	}
	// The checkpoint leaves no log beside the file, which would belong to the new file.
	if err := s.file.exec(ctx, "CHECKPOINT"); err != nil {
		return erased, err
	}
	change, err := r.prepare(ctx, s.file)
	if err != nil || !change && !v.marked() {
		return erased, err
	}
	var left bool
	if erased.Events, left, err = s.renew(ctx, r, v); left {
		erased.NotClean, erased.Note = true, tracesNote
	}
	if obstacle, ok := errors.AsType[*obstacle](err); ok && ctx.Err() == nil {
		if erased.Events, err = s.changeInPlace(ctx, r, v); err != nil {
			return erased, err
		}
		erased.NotClean = true
		erased.Note = "The rows are changed, and old bytes are left in the file: " + obstacle.Error() + ". Then run the erasure again."
	}
	return erased, err
}

// An obstacle is a reason why a file cannot be copied, with the remedy.
type obstacle struct{ text string }

func (o *obstacle) Error() string { return o.text }

// renew writes the new file and replaces the old file. The result left says that the new
// file shows one of the traces.
func (s *Sink) renew(ctx context.Context, r revision, v versions) (changed int64, left bool, err error) {
	if err := v.checkRoom(); err != nil {
		return 0, false, err
	}
	lease := s.file.lease
	defer func() {
		err = errors.Join(err, v.removeLeftovers())
		if s.file == nil {
			lease.release() // last: the temporary files of the next holder have the same names
		}
	}()
	if changed, left, err = s.copyClean(ctx, r, v); err != nil {
		err = errors.Join(err, s.file.closeDatabase()) // a closed file cannot keep the new one open
		s.file, s.unsaved = nil, 0
		return 0, false, err
	}
	if changed == 0 && !v.marked() {
		return 0, false, nil
	}
	if left {
		if err := v.mark(); err != nil {
			return 0, false, err
		}
	}
	return changed, left, s.replace(v, left)
}

// copyClean copies until the new file shows none of the traces, or the attempts are over.
func (s *Sink) copyClean(ctx context.Context, r revision, v versions) (changed int64, left bool, err error) {
	for attempt := 1; ; attempt++ {
		if changed, err = s.copyInto(ctx, r, v); err != nil || r.traces == nil {
			return changed, false, err
		}
		if left, err = s.shows(ctx, v, r.traces()); err != nil || !left || attempt == copyAttempts {
			return changed, left, err
		}
		if err := v.removeFresh(); err != nil {
			return 0, false, err
		}
	}
}

// revised returns the columns that a revision may change.
func (s *Sink) revised() []warehouse.Column {
	var list []warehouse.Column
	for _, c := range s.columns {
		if c.Personal || c.Name == "payload" || c.Name == "erased_at" {
			list = append(list, c)
		}
	}
	return list
}

// eachChange calls do with each step of a revision: s.rows are the changed rows of a range.
func (s *Sink) eachChange(ctx context.Context, r revision, do func(from, to int64) error) (changed int64, err error) {
	var total int64
	if err := s.file.conn.QueryRowContext(ctx, "SELECT coalesce(max(rowid) + 1, 0) FROM "+eventsTable).Scan(&total); err != nil {
		return 0, fmt.Errorf("count rows: %w", err)
	}
	defer func() { s.rows, s.indexes = nil, nil }()
	r.progress(0, total)
	for from := int64(0); from < total; from += r.step {
		to := min(from+r.step, total)
		if s.rows, err = r.changes(ctx, s.file, from, to); err != nil {
			return changed, err
		}
		s.indexes = make([]int, len(s.rows))
		for i := range s.rows {
			s.indexes[i] = i
		}
		if err := do(from, to); err != nil {
			return changed, err
		}
		changed += int64(len(s.rows))
		r.progress(to, total)
	}
	return changed, ctx.Err()
}

// changeInPlace changes the rows in the old file.
func (s *Sink) changeInPlace(ctx context.Context, r revision, v versions) (int64, error) {
	if s.file == nil { // others may have changed the file meanwhile: the numbers of rows are old
		if err := s.acquire(ctx); err != nil {
			return 0, err
		}
		if _, err := r.prepare(ctx, s.file); err != nil {
			return 0, err
		}
	}
	if err := v.mark(); err != nil {
		return 0, err
	}
	set := make([]string, 0, len(s.columns))
	for _, c := range s.revised() {
		set = append(set, fmt.Sprintf("%s = %s", quote(c.Name), newValue(&c)))
	}
	const where = " WHERE t.rowid = b.stream_sequence - 1"
	statement := "UPDATE " + eventsTable + " t SET " + strings.Join(set, ", ") + " FROM cioevents_batch() b" + where
	if r.remove {
		statement = "DELETE FROM " + eventsTable + " t USING cioevents_batch() b" + where
	}
	changed, err := s.eachChange(ctx, r, func(int64, int64) error {
		if len(s.rows) == 0 {
			return nil
		}
		return s.file.exec(ctx, statement)
	})
	if err != nil {
		return changed, err
	}
	step("marked")
	return changed, s.file.exec(ctx, "CHECKPOINT")
}

// newValue returns the SQL of a column's changed value.
func newValue(c *warehouse.Column) string {
	value := "b." + quote(c.Name)
	if c.Type == warehouse.JSON {
		return duckdbsql.JSON(value)
	}
	return value
}
