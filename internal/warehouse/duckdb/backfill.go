package duckdb

import (
	"context"
	"errors"
	"fmt"

	"github.com/rs/zerolog"
)

// A Backfilling configures Backfill. Path is required.
type Backfilling struct {
	// Path is the database file, with the columns of this release.
	Path string
	Log  zerolog.Logger
	// Progress is called at the beginning and after each step with the number of rows
	// of the table that are looked at. Default nil.
	Progress func(done, total int)
}

// Filled counts the rows of a backfill.
type Filled struct {
	// Rows counts the rows whose new columns were computed. Skipped counts the rows
	// whose payload is not an event.
	Rows, Skipped int64
}

// fillRows is the largest number of rows of a step. fillPayloads bounds the payloads of
// a step in bytes, unless one row alone has more.
const (
	fillRows     = 4096
	fillPayloads = 8 << 20
)

// fillCheckpoint is the number of updated rows after which Backfill writes a checkpoint.
// Until then DuckDB has the new values in memory.
const fillCheckpoint = 8 * fillRows

// Backfill computes the columns that the first release lacks from the payloads. Backfill
// looks at rows with NULL in all of the columns, and so leaves erased rows alone. A
// payload that is a text, because DuckDB refused the body, becomes an object.
//
// Each step is a transaction, and between two steps a worker or a reader may take the
// file. After an interruption the next backfill completes the work.
func Backfill(ctx context.Context, b Backfilling) (filled Filled, err error) {
	s, err := New(Config{Path: b.Path, Log: b.Log})
	if err != nil {
		return Filled{}, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if b.Progress == nil {
		b.Progress = func(int, int) {}
	}
	total, err := s.end(ctx)
	if err != nil {
		return Filled{}, err
	}
	b.Progress(0, int(total))
	for from := int64(0); from < total; {
		to, err := s.fillStep(ctx, from, min(from+fillRows, total), &filled)
		if err != nil {
			return filled, fmt.Errorf("backfill rows from %d: %w", from, err)
		}
		from = to
		b.Progress(int(from), int(total))
	}
	return filled, nil
}

// end returns the number after the last row.
func (s *Sink) end(ctx context.Context) (end int64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.acquire(ctx); err != nil {
		return 0, err
	}
	defer s.release()
	err = s.file.conn.QueryRowContext(ctx, "SELECT coalesce(max(rowid) + 1, 0) FROM "+eventsTable).Scan(&end)
	if err != nil {
		return 0, fmt.Errorf("count rows: %w", err)
	}
	return end, nil
}

// fillStep fills the rows with numbers from from on, at most up to to. It returns the
// number after the last row that it has looked at.
func (s *Sink) fillStep(ctx context.Context, from, to int64, filled *Filled) (next int64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.release()
	err = s.withMemory(ctx, func() error {
		now := *filled
		if next, err = s.fillRange(ctx, from, to, &now); err != nil {
			return err
		}
		s.checkpointEvery(ctx, int(now.Rows-filled.Rows), fillCheckpoint)
		*filled = now
		return nil
	})
	if err != nil {
		return 0, errors.Join(err, s.closeFile())
	}
	return next, nil
}

func (s *Sink) fillRange(ctx context.Context, from, to int64, filled *Filled) (next int64, err error) {
	for n := to - from; ; n = max(n/2, 1) {
		to = from + n
		var size int64
		err := s.file.conn.QueryRowContext(ctx, s.oldRows("coalesce(sum(strlen(payload)), 0)"), from, to).Scan(&size)
		if err != nil {
			return 0, fmt.Errorf("read sizes: %w", err)
		}
		if size <= fillPayloads || n == 1 {
			break
		}
	}
	rows, err := s.readOld(ctx, from, to, filled)
	if err != nil || len(rows) == 0 {
		return to, err
	}
	filled.Rows += int64(len(rows))
	return to, s.update(ctx, rows, from, to)
}
