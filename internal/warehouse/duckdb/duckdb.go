// Package duckdb is the embedded warehouse: one file, exact de-duplication, and
// a good neighbour to other processes that want the file.
package duckdb

import (
	"cmp"
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
	// Schema holds the table and the views. Default "messaging".
	Schema string
	// IdleClose is how long the file stays open without a write. Default 2 s:
	// meanwhile only a process that queues up for it, such as another sink or
	// Query, gets it; DuckDB's own shell does not.
	IdleClose time.Duration
	// MemoryLimit is DuckDB's, which leaves out what Go needs. Default 256MB.
	MemoryLimit string
	Log         zerolog.Logger
}

// A Sink writes rows to a DuckDB file. It implements warehouse.Sink.
type Sink struct {
	cfg     Config
	columns []warehouse.Column
	insert  string

	mu      sync.Mutex // guards what follows, and the file against the idle timer
	file    *file
	rows    []warehouse.Row // of the insert under way
	places  []int           // of those among them that it is about
	lastUse time.Time
	idle    *time.Timer
}

// New checks cfg. It touches no file.
func New(cfg Config) (*Sink, error) {
	if cfg.Path == "" {
		return nil, errors.New("no database file is named")
	}
	cfg.Schema = cmp.Or(cfg.Schema, warehouse.DefaultSchema)
	cfg.IdleClose = cmp.Or(cfg.IdleClose, 2*time.Second)
	cfg.MemoryLimit = cmp.Or(cfg.MemoryLimit, "256MB")
	columns := warehouse.Columns()
	return &Sink{cfg: cfg, columns: columns, insert: insertStatement(cfg.Schema, columns)}, nil
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
	return s.migrate(ctx)
}

// Write implements warehouse.Sink.
func (s *Sink) Write(ctx context.Context, rows []warehouse.Row) (warehouse.Result, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	places, result := distinct(rows)
	if len(places) == 0 {
		return result, ctx.Err()
	}
	if err := s.acquire(ctx); err != nil {
		return warehouse.Result{}, err
	}
	defer s.yield()
	if err := s.store(ctx, rows, places, &result); err != nil {
		return warehouse.Result{}, errors.Join(err, s.letGo()) // whatever is wrong with the connection ends with it
	}
	return result, nil
}

// Close implements warehouse.Sink.
func (s *Sink) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.letGo()
}

// acquire opens the file unless it is open.
func (s *Sink) acquire(ctx context.Context) error {
	if s.idle != nil {
		s.idle.Stop()
	}
	if s.file != nil {
		return nil
	}
	options := url.Values{
		"memory_limit": {s.cfg.MemoryLimit}, "preserve_insertion_order": {"false"},
		// A batch is too small to be shared out: a second thread costs a third
		// more processor time and saves nothing.
		"threads": {"1"},
		// Every checkpoint writes the last, partly filled row group again: at the
		// default of 16 MB, some 15,000 rows, that halves the rate. A larger one
		// stands in the way for seconds and needs more memory.
		"wal_autocheckpoint": {"64MB"},
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
	if s.file.lease.wanted() || time.Since(s.lastUse) >= s.cfg.IdleClose {
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
	if s.idle != nil {
		s.idle.Stop()
	}
	if s.file == nil {
		return nil
	}
	err := s.file.close()
	s.file = nil
	return err
}

func (s *Sink) report(err error) {
	if err != nil {
		s.cfg.Log.Warn().Err(err).Msg("the database file was not closed cleanly")
	}
}
