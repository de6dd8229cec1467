// Package parquet is the warehouse for everybody else's engine: a folder of
// Parquet files that any number of workers write to without a lock, and that
// DuckDB, Spark, ClickHouse, BigQuery and others read.
//
//	DIR/views.sql                                      for DuckDB: duckdb -init DIR/views.sql
//	DIR/customerio_events/dt=2026-11-24/part-….parquet one batch's rows of that day
//	DIR/customerio_events/dt=2026-11-23/day-….parquet  a day after Compact
//
// dt is the UTC day of the event's timestamp, which all deliveries of an event
// agree on, so that Compact finds its repeats within the day. An event without
// one goes to the day on which it was received; a repeat may then lie in
// another day, and stays there. The files may thus hold an event several times:
// the view of Views shows each once, whichever files it is in.
//
// A file's name is the range of stream sequences in it and the checksum of its
// content. A redelivered batch with the same borders therefore takes its own
// place. The range alone would not do as a name: a batch with other borders may
// have the same ends and lack a row in the middle, which was rejected,
// or redelivered to another worker.
package parquet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// Config configures a Sink. Dir is required.
type Config struct {
	// Dir is the folder of the warehouse. It is created.
	Dir string
}

// A Sink writes rows to Parquet files. It implements warehouse.Sink; it only
// appends, so that it counts repeats as inserted.
type Sink struct {
	dir     string
	encoder *encoder
}

// draftLife is the age at which a draft must be a dead writer's.
const draftLife = time.Hour

// New checks cfg. It touches no file.
func New(cfg Config) (*Sink, error) {
	if cfg.Dir == "" {
		return nil, errors.New("no folder is named")
	}
	dir, err := filepath.Abs(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("find folder: %w", err)
	}
	return &Sink{dir: dir, encoder: newEncoder(warehouse.Columns())}, nil
}

// Open implements warehouse.Sink. It leaves a file without rows, which shows
// readers the present columns before any file has them, and views.sql. Drafts
// of dead writers are removed.
func (s *Sink) Open(ctx context.Context) error {
	if err := makeFolder(s.events()); err != nil {
		return err
	}
	if err := removeDrafts(s.dir, time.Now().Add(-draftLife)); err != nil {
		return err
	}
	if err := s.write(ctx, time.Unix(0, 0).UTC(), nil, "schema"); err != nil {
		return err
	}
	_, err := publish(s.dir, func(w io.Writer) error {
		_, err := io.WriteString(w, Views(s.dir))
		return err
	}, func(string) string { return "views.sql" })
	return err
}

// Write implements warehouse.Sink. It writes a file for each day; after an error
// some of them may be there, and the next attempt writes them again.
func (s *Sink) Write(ctx context.Context, rows []warehouse.Row) (warehouse.Result, error) {
	days, rejected := byDay(rows)
	for _, day := range slices.SortedFunc(maps.Keys(days), time.Time.Compare) {
		if err := s.write(ctx, day, days[day], partPrefix+sequences(days[day])); err != nil {
			return warehouse.Result{}, err
		}
	}
	return warehouse.Result{Inserted: len(rows) - len(rejected), Rejected: rejected}, nil
}

// Close implements warehouse.Sink. Nothing is open between two batches.
func (s *Sink) Close() error { return nil }

func (s *Sink) events() string { return filepath.Join(s.dir, warehouse.Events) }

func (s *Sink) write(ctx context.Context, day time.Time, rows []*warehouse.Row, prefix string) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("write file: %w", err)
	}
	folder := filepath.Join(s.events(), dayPrefix+day.Format(time.DateOnly))
	if err := makeFolder(folder); err != nil {
		return err
	}
	// Also when another worker made it, who may not have come as far as this.
	if err := syncFolder(s.events()); err != nil {
		return err
	}
	_, err := publish(folder,
		func(w io.Writer) error { return s.encoder.encode(w, rows) },
		func(sum string) string { return prefix + "-" + sum + fileSuffix })
	return err
}

// byDay sorts the rows that can be stored by the day they belong to.
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

// sequences is the range of the rows' stream sequences. It tells people which
// messages are in a file, and puts the names in the order of the stream.
func sequences(rows []*warehouse.Row) string {
	first, last := rows[0].Sequence, rows[0].Sequence
	for _, r := range rows {
		first, last = min(first, r.Sequence), max(last, r.Sequence)
	}
	return fmt.Sprintf("%012d-%012d", first, last)
}
