// Package parquet writes rows to a folder of Parquet files, for readers such as
// DuckDB, Spark, ClickHouse and BigQuery. Any number of workers write to the folder
// without a lock.
//
//	DIR/views.sql                                        for DuckDB: duckdb -init DIR/views.sql
//	DIR/customerio_events/dt=2026-11-24/batch-….parquet  one batch's rows of that day
//	DIR/customerio_events/dt=2026-11-23/merged-….parquet a day after Compact
//	DIR/customerio_names, DIR/customerio_settings        names and settings: see notes.go
//
// dt is the UTC day of the event's timestamp. All deliveries of an event have the
// same timestamp, so Compact finds the repeats of an event within a day. An event
// without a timestamp goes to the day on which ingest received the event; a repeat
// may then be in the folder of another day, and stays there. The files may thus
// contain an event several times. The view of Views shows each event once, whatever
// files the event is in.
//
// A file's name has the range of stream sequences in the file and the checksum of
// its content. A redelivered batch of the same rows therefore replaces its own file.
// The range alone is not enough: a batch may have the same first and last row and
// lack a row in the middle, which was rejected, or redelivered to another worker.
package parquet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// Config configures a Sink. Dir is required.
type Config struct {
	// Dir is the folder of the warehouse. Open creates the folder.
	Dir string
}

// A Sink writes rows to Parquet files. It implements warehouse.Sink, only appends,
// and counts repeated rows as inserted.
type Sink struct {
	dir string

	mu      sync.Mutex // guards encoder
	encoder *encoder
}

// draftLife is the age at which a draft is abandoned: no writer needs an hour for a
// file without growing its draft.
const draftLife = time.Hour

// New checks cfg. New touches no file.
func New(cfg Config) (*Sink, error) {
	if cfg.Dir == "" {
		return nil, errors.New("path of the folder is empty")
	}
	dir, err := filepath.Abs(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("find folder: %w", err)
	}
	return &Sink{dir: dir, encoder: newEncoder(warehouse.Columns())}, nil
}

// Open implements warehouse.Sink. It writes views.sql and a file without rows, which
// shows readers the present columns before any other file has them. Open removes
// abandoned drafts.
func (s *Sink) Open(ctx context.Context) error {
	if err := makeFolder(s.events()); err != nil {
		return err
	}
	if err := removeDrafts(s.dir, time.Now().Add(-draftLife)); err != nil {
		return err
	}
	// A compaction of the first version may be running, or another user may have started
	// it. The next Open or Compact tries again.
	_ = refuseFirstCompaction(s.dir)
	if err := s.write(ctx, time.Unix(0, 0).UTC(), nil, "schema"); err != nil {
		return err
	}
	if err := s.openNotes(); err != nil {
		return err
	}
	_, err := publish(s.dir, func(w io.Writer) error {
		_, err := io.WriteString(w, Views(s.dir))
		return err
	}, func(string) string { return "views.sql" })
	return err
}

// Write implements warehouse.Sink. It writes one file for each day. After an error
// some of the files may exist, and the next attempt replaces the files.
func (s *Sink) Write(ctx context.Context, rows []warehouse.Row) (warehouse.Result, error) {
	days, rejected := byDay(rows)
	for _, day := range slices.SortedFunc(maps.Keys(days), time.Time.Compare) {
		if err := s.write(ctx, day, days[day], batchPrefix+sequences(days[day])); err != nil {
			return warehouse.Result{}, err
		}
	}
	return warehouse.Result{Inserted: len(rows) - len(rejected), Rejected: rejected}, nil
}

// Close implements warehouse.Sink. Nothing is open between two batches.
func (s *Sink) Close() error { return nil }

func (s *Sink) events() string { return filepath.Join(s.dir, warehouse.Events) }

func (s *Sink) write(ctx context.Context, day time.Time, rows []*warehouse.Row, prefix string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("write file: %w", err)
	}
	folder := filepath.Join(s.events(), dayPrefix+day.Format(time.DateOnly))
	if err := makeFolder(folder); err != nil {
		return err
	}
	// Sync even if another worker created the folder: that worker may have crashed
	// before its own sync.
	if err := syncFolder(s.events()); err != nil {
		return err
	}
	_, err := publish(folder,
		func(w io.Writer) error { return s.encoder.encode(w, rows) },
		func(sum string) string { return prefix + "-" + sum + fileSuffix })
	return err
}

// byDay groups the rows by the days of their folders, and rejects rows that cannot be
// stored.
func byDay(rows []warehouse.Row) (map[time.Time][]*warehouse.Row, []warehouse.Rejection) {
	days := make(map[time.Time][]*warehouse.Row)
	var rejected []warehouse.Rejection
	for i := range rows {
		if err := rows[i].Check(); err != nil {
			rejected = append(rejected, warehouse.Rejection{Index: i, Err: err})
			continue
		}
		day := dayOf(&rows[i])
		days[day] = append(days[day], &rows[i])
	}
	return days, rejected
}

func dayOf(r *warehouse.Row) time.Time {
	at := r.Timestamp
	if at.IsZero() {
		at = r.ReceivedAt
	}
	return at.UTC().Truncate(24 * time.Hour)
}

// sequences returns the range of the rows' stream sequences. The range tells people
// which messages are in a file, and sorts the names by the order of the stream.
func sequences(rows []*warehouse.Row) string {
	first, last := rows[0].Sequence, rows[0].Sequence
	for _, r := range rows {
		first, last = min(first, r.Sequence), max(last, r.Sequence)
	}
	return fmt.Sprintf("%012d-%012d", first, last)
}
