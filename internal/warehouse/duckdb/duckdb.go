// Package duckdb is the embedded warehouse: one file, exact de-duplication, and
// a good neighbour to other processes that want the file.
package duckdb

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	duck "github.com/duckdb/duckdb-go/v2"
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
	// meanwhile no other process can open it.
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

	mu   sync.Mutex // guards what follows, and the file against the idle timer
	file *file
	rows []*warehouse.Row // of the Write under way
	idle *time.Timer
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

// Write implements warehouse.Sink. Rows that break a rule of every warehouse are
// rejected; what DuckDB itself refuses is an error of the batch.
func (s *Sink) Write(ctx context.Context, rows []warehouse.Row) (warehouse.Result, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var result warehouse.Result
	s.rows, result = distinct(rows)
	defer func() { s.rows = nil }()
	if len(s.rows) == 0 {
		return result, nil
	}
	if err := s.acquire(ctx); err != nil {
		return warehouse.Result{}, err
	}
	defer s.yield()
	done, err := s.file.conn.ExecContext(ctx, s.insert)
	if err != nil {
		err = fmt.Errorf("insert %d rows: %w", len(s.rows), err)
		return warehouse.Result{}, errors.Join(err, s.letGo()) // whatever is wrong with the connection ends with it
	}
	inserted, err := done.RowsAffected()
	if err != nil {
		return warehouse.Result{}, fmt.Errorf("count inserted rows: %w", err)
	}
	result.Inserted = int(inserted)
	result.Duplicates += len(s.rows) - int(inserted)
	return result, nil
}

// distinct returns the rows that can be stored, each key once, and what is said
// of the others.
func distinct(rows []warehouse.Row) ([]*warehouse.Row, warehouse.Result) {
	var result warehouse.Result
	keep := make([]*warehouse.Row, 0, len(rows))
	seen := make(map[warehouse.Key]struct{}, len(rows))
	for i := range rows {
		if err := rows[i].Check(); err != nil {
			result.Rejected = append(result.Rejected, warehouse.Rejection{Index: i, Err: err})
			continue
		}
		key := rows[i].Key()
		if _, ok := seen[key]; ok {
			result.Duplicates++
			continue
		}
		seen[key] = struct{}{}
		keep = append(keep, &rows[i])
	}
	return keep, result
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

// yield lets go of the file at once when somebody waits for it, and else when
// no write has come for a while.
func (s *Sink) yield() {
	if s.file == nil {
		return
	}
	if s.file.lease.wanted() {
		s.report(s.letGo())
		return
	}
	s.idle = time.AfterFunc(s.cfg.IdleClose, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.report(s.letGo())
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

// registerBatch makes the rows of the Write under way visible as a table
// function. Each use in a statement reads them from the beginning.
func (s *Sink) registerBatch(conn *sql.Conn) error {
	err := duck.RegisterTableUDF(conn, "cioevents_batch", duck.ParallelChunkTableFunction{
		BindArguments: func(map[string]any, ...any) (duck.ParallelChunkTableSource, error) {
			return &batch{rows: s.rows, columns: s.columns}, nil
		},
	})
	if err != nil {
		return fmt.Errorf("register batch: %w", err)
	}
	return nil
}

// insertStatement inserts what the table does not have. The known keys are
// materialised first, so that the join reads no more of the table than its
// statistics on event_id cannot rule out.
//
// A payload that is no JSON to DuckDB becomes a JSON text with the body in it:
// as it is, it would make every query fail that looks into the column.
func insertStatement(schema string, columns []warehouse.Column) string {
	names := make([]string, len(columns))
	values := make([]string, len(columns))
	for i, c := range columns {
		names[i] = quote(c.Name)
		values[i] = "s." + names[i]
		if c.Type == warehouse.JSON {
			values[i] = fmt.Sprintf("coalesce(TRY_CAST(s.%[1]s AS JSON), to_json(s.%[1]s))", names[i])
		}
	}
	return fmt.Sprintf(`INSERT INTO %[1]s (%[2]s)
WITH known AS MATERIALIZED (
  SELECT e.workspace, e.event_id FROM %[1]s e JOIN cioevents_batch() b ON e.event_id = b.event_id AND e.workspace = b.workspace
)
SELECT %[3]s FROM cioevents_batch() s
WHERE NOT EXISTS (SELECT 1 FROM known k WHERE k.event_id = s.event_id AND k.workspace = s.workspace)`,
		quote(schema)+"."+warehouse.Events, strings.Join(names, ", "), strings.Join(values, ", "))
}

func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
