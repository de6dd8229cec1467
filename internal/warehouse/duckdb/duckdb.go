// Package duckdb is the embedded warehouse: one file, exact de-duplication, and
// a good neighbour to other processes that want the file.
package duckdb

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// Config configures a Sink. Path is required.
type Config struct {
	// Path is the database file. Its folder is created.
	Path string
	Log  zerolog.Logger
}

// idleClose is how long the file stays open without a write. Meanwhile only a
// process that queues up for it, such as another sink or Query, gets it; DuckDB's
// own shell does not.
const idleClose = 2 * time.Second

// A Sink writes rows to a DuckDB file. It implements warehouse.Sink.
type Sink struct {
	cfg     Config
	columns []warehouse.Column
	insert  string

	mu      sync.Mutex // guards what follows, and the file against the idle timer
	file    *file
	rows    []warehouse.Row // of the insert under way
	places  []int           // of those among them that it is about
	loose   int             // rows since the last checkpoint
	memory  int             // which of memoryLimits is set
	lastUse time.Time
	idle    *time.Timer
}

// New checks cfg. It touches no file.
func New(cfg Config) (*Sink, error) {
	if cfg.Path == "" {
		return nil, errors.New("no database file is named")
	}
	columns := warehouse.Columns()
	return &Sink{cfg: cfg, columns: columns, insert: insertStatement(columns)}, nil
}

// Open implements warehouse.Sink.
func (s *Sink) Open(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := os.MkdirAll(filepath.Dir(s.cfg.Path), 0o750); err != nil {
		return fmt.Errorf("create folder of the database: %w", err)
	}
	if err := s.acquire(ctx); err != nil {
		return err
	}
	defer s.yield()
	return s.file.exec(ctx, Statements()...)
}

// Write implements warehouse.Sink.
func (s *Sink) Write(ctx context.Context, rows []warehouse.Row) (warehouse.Result, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	places, result := distinct(rows)
	if len(places) == 0 {
		return result, ctx.Err()
	}
	defer s.yield()
	for len(places) > 0 {
		n := within(rows, places, len(places), statementBytes)
		if err := s.storePart(ctx, rows, places[:n], &result); err != nil {
			return warehouse.Result{}, errors.Join(err, s.letGo()) // whatever is wrong with the connection ends with it
		}
		places = places[n:]
	}
	return result, nil
}

// statementBytes bounds the payloads of one statement; a batch of usual rows is
// smaller.
const statementBytes = 8 << 20

// storePart stores rows, with as much memory as that takes.
func (s *Sink) storePart(ctx context.Context, rows []warehouse.Row, places []int, result *warehouse.Result) error {
	before := *result
	for {
		*result = before
		if err := s.acquire(ctx); err != nil {
			return err
		}
		err := s.store(ctx, rows, places, result)
		if err == nil {
			s.tidy(ctx, result.Inserted-before.Inserted)
			return nil
		}
		if !s.raiseMemory(err) {
			return err
		}
	}
}

// checkpointRows is between three quarters and the whole of a row group, which
// has 122,880 rows. What one checkpoint writes becomes a row group, and DuckDB
// merges groups when four of them fit into three: it then writes them all again,
// which takes seconds and doubles the file. The last batch comes on top.
const checkpointRows = 100_000

// tidy writes a checkpoint when there are enough rows for it. They are durable
// without.
func (s *Sink) tidy(ctx context.Context, inserted int) {
	s.loose += inserted
	if s.loose < checkpointRows {
		return
	}
	if err := s.file.exec(ctx, "CHECKPOINT"); err != nil {
		if !s.raiseMemory(err) {
			s.cfg.Log.Warn().Err(err).Msg("no checkpoint; the next batch tries again")
		}
		return
	}
	s.loose = 0
}

// Close implements warehouse.Sink.
func (s *Sink) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.letGo()
}

// acquire opens the file unless it is open.
func (s *Sink) acquire(ctx context.Context) error {
	if s.file != nil {
		return nil
	}
	for {
		err := s.open(ctx)
		if err == nil || !s.raiseMemory(err) { // reading its log back may take as much as writing it
			return err
		}
	}
}

func (s *Sink) open(ctx context.Context) error {
	options := url.Values{
		"memory_limit": {memoryLimits[s.memory]}, "preserve_insertion_order": {"false"},
		// A batch is too small to be shared out: a second thread costs a third
		// more processor time and saves nothing.
		"threads": {"1"},
		// For batches of large rows; see checkpointRows. At the default of 16 MB,
		// some 20,000 rows, checkpoints halve the rate.
		"wal_autocheckpoint": {"128MB"},
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

// yield ends a use of the file.
func (s *Sink) yield() {
	s.lastUse = time.Now()
	s.letGoWhenWanted()
}

// letGoWhenWanted lets go of the file when somebody waits for it or when it has
// not been used for a while, and else looks again soon.
func (s *Sink) letGoWhenWanted() {
	if s.idle != nil {
		s.idle.Stop()
	}
	if s.file == nil {
		return
	}
	if s.file.lease.wanted() || time.Since(s.lastUse) >= idleClose {
		s.report(s.letGo())
		return
	}
	s.idle = time.AfterFunc(pollEvery, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.letGoWhenWanted()
	})
}

func (s *Sink) letGo() error {
	if s.file == nil {
		return nil
	}
	err := s.file.close()
	s.file, s.loose = nil, 0
	return err
}

func (s *Sink) report(err error) {
	if err != nil {
		s.cfg.Log.Warn().Err(err).Msg("the database file was not closed cleanly")
	}
}
