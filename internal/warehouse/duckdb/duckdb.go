// Package duckdb writes rows to a DuckDB file, the embedded warehouse, and runs
// queries on it. The table has each event once, and processes take turns with the
// file.
package duckdb

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// Config configures a Sink. Path is required.
type Config struct {
	// Path is the database file. Open creates the file's folder.
	Path string
	Log  zerolog.Logger
}

// idleClose is the time without a write after which a sink closes the file. Until
// then the sink hands the file only to a process that takes leases, such as another
// sink or Query, and not to DuckDB's own shell.
const idleClose = 2 * time.Second

// A Sink writes rows to a DuckDB file. It implements warehouse.Sink.
type Sink struct {
	cfg     Config
	columns []warehouse.Column

	mu       sync.Mutex // guards the fields below, and the file against the idle timer
	file     *file
	rows     []warehouse.Row // of the insert under way
	indexes  []int           // of the rows that the insert stores
	parts    parts           // the rows to look for in the table
	learning *knownIDs       // the filter that read fills
	repeats  int             // inserts left that look for repeated rows; see repeatedRows
	group    *group          // nil without an open transaction
	unsaved  int             // rows since the last checkpoint
	memory   int             // index of the present limit in memoryLimits
	lastUse  time.Time
	idle     *time.Timer

	aloneUntil time.Time // no group before
	// groupPause and groupLife are the constants, replaced by a test.
	groupPause, groupLife time.Duration
}

// New checks cfg. New touches no file.
func New(cfg Config) (*Sink, error) {
	if cfg.Path == "" {
		return nil, errors.New("path of the database file is empty")
	}
	return &Sink{cfg: cfg, columns: warehouse.Columns(), groupPause: groupPause, groupLife: groupLife}, nil
}

// Open implements warehouse.Sink.
func (s *Sink) Open(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := os.MkdirAll(filepath.Dir(s.cfg.Path), 0o750); err != nil {
		return fmt.Errorf("create folder of the database: %w", err)
	}
	defer s.release()
	return s.withMemory(ctx, func() error { return s.file.exec(ctx, Statements()...) })
}

// Write implements warehouse.Sink.
func (s *Sink) Write(ctx context.Context, rows []warehouse.Row) (warehouse.Result, error) {
	indexes, result := distinct(rows)
	if len(indexes) == 0 {
		return result, ctx.Err()
	}
	laid := s.layOut(rows, indexes)
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.release()
	return s.write(ctx, laid, result)
}

// write stores the rows in a transaction of their own, and adds them to the result.
func (s *Sink) write(ctx context.Context, rows laidOut, result warehouse.Result) (warehouse.Result, error) {
	if s.rowsAreLarge() {
		debug.FreeOSMemory() // Go's garbage of the batch before: a commit needs the memory
	}
	part := rows
	for rest := rows.indexes; len(rest) > 0; {
		n := fitting(rows.rows, rest, len(rest), s.statementBytes())
		if n < len(rows.indexes) { // each of several statements has columns of its own
			part = s.layOut(rows.rows, rest[:n])
		}
		if err := s.storePart(ctx, part, &result); err != nil {
			return warehouse.Result{}, errors.Join(err, s.closeFile()) // a broken connection must not serve the next batch
		}
		rest = rest[n:]
	}
	return result, nil
}

// storePart stores the rows of a statement, and raises DuckDB's memory limit until the
// statement succeeds or no limit is left.
func (s *Sink) storePart(ctx context.Context, rows laidOut, result *warehouse.Result) error {
	before := *result
	return s.withMemory(ctx, func() error {
		*result = before
		if err := s.store(ctx, rows, result); err != nil {
			return err
		}
		s.checkpointEvery(ctx, result.Inserted-before.Inserted, checkpointRows)
		return nil
	})
}

// checkpointRows is between three quarters and the whole of a row group. A checkpoint
// writes a row group. When four groups fit into three, DuckDB merges the groups: DuckDB
// writes all four again, takes seconds and doubles the file. A checkpoint exceeds
// checkpointRows by at most one batch.
const checkpointRows = 25_000

// checkpointEvery counts written rows and writes a checkpoint when there are enough.
// Rows are durable without a checkpoint. A checkpoint on a second connection would not let
// the next batch in: in DuckDB 1.5, an INSERT waits while a checkpoint writes its table
// (https://github.com/duckdb/duckdb/pull/25988). A second thread for the checkpoint takes a
// fifth more processor time for all writes.
func (s *Sink) checkpointEvery(ctx context.Context, written, enough int) {
	s.unsaved += written
	if s.unsaved < enough {
		return
	}
	if err := s.file.exec(ctx, "CHECKPOINT"); err != nil {
		if !s.raiseMemory(err) {
			s.cfg.Log.Warn().Err(err).Msg("checkpoint failed, the next batch tries again")
		}
		return
	}
	s.unsaved = 0
}

// Close implements warehouse.Sink.
func (s *Sink) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closeFile()
}

// acquire opens the file unless the file is open. An open group ends: all uses but Stage have
// transactions of their own.
func (s *Sink) acquire(ctx context.Context) error {
	_ = s.commit() // its batches get the error
	if s.file != nil {
		return nil
	}
	for {
		err := s.open(ctx)
		if err == nil || !s.raiseMemory(err) { // replaying the log may take as much memory as writing it did
			return err
		}
	}
}

func (s *Sink) open(ctx context.Context) error {
	options := url.Values{
		"memory_limit": {memoryLimits[s.memory]}, "preserve_insertion_order": {"false"},
		// A batch is too small for two threads: the second thread costs a third
		// more processor time and saves no time. Two statements of half a batch in two
		// connections cost a tenth more, and with two processors a worker is no quicker.
		"threads": {"1"},
		// DuckDB's own checkpoints are for batches of large rows only; see
		// checkpointRows. At the default of 16 MB, some 20,000 rows, DuckDB's
		// checkpoints halve the rate.
		"wal_autocheckpoint":          {"128MB"},
		"dynamic_or_filter_threshold": {strconv.Itoa(separateIDs)},
	}
	if s.rowsAreLarge() {
		// The allocator returns the memory of a checkpoint at once, not at 512 MB.
		options.Set("allocator_bulk_deallocation_flush_threshold", "1MB")
	}
	f, err := openFile(ctx, s.cfg.Path, options, s.cfg.Log)
	if err != nil {
		return err
	}
	if err := s.registerBatch(f.conn); err != nil {
		return errors.Join(err, f.close())
	}
	s.file = f
	return nil
}

// release ends a use of the file.
func (s *Sink) release() {
	s.lastUse = time.Now()
	s.closeWhenIdle()
}

// closeWhenIdle closes the file when another process waits for the lease, or after
// idleClose. Otherwise closeWhenIdle checks again after pollEvery.
func (s *Sink) closeWhenIdle() {
	if s.idle != nil {
		s.idle.Stop()
	}
	if s.file == nil {
		return
	}
	if s.file.lease.wanted() || time.Since(s.lastUse) >= idleClose {
		s.logClose(s.closeFile())
		return
	}
	s.commitInTime()
	s.idle = time.AfterFunc(pollEvery, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.closeWhenIdle()
	})
}

func (s *Sink) closeFile() error {
	err := s.commit()
	if s.file == nil {
		return err
	}
	err = errors.Join(err, s.file.close())
	s.file, s.unsaved = nil, 0
	return err
}

func (s *Sink) logClose(err error) {
	if err != nil {
		s.cfg.Log.Warn().Err(err).Msg("database file not closed cleanly")
	}
}
