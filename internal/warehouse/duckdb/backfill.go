package duckdb

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/duckdbsql"
	"github.com/cioevents/cioevents/pkg/webhook"
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

// Backfill computes the columns that older releases lack from the payloads of rows in
// which all these columns are NULL. It replaces NULLs only, and an erased row has a
// value in erased_at. A payload that is a text, because DuckDB refused the body, becomes
// an object.
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
	for {
		if err := s.acquire(ctx); err != nil {
			return 0, err
		}
		now := *filled
		next, err := s.fillRange(ctx, from, to, &now)
		if err == nil {
			*filled = now
			s.checkpointEvery(ctx, int(now.Rows-filled.Rows), fillCheckpoint)
			return next, nil
		}
		if !s.raiseMemory(err) {
			return 0, errors.Join(err, s.closeFile())
		}
	}
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

// added returns the columns that the first release lacks.
func (s *Sink) added() []warehouse.Column {
	payload := slices.IndexFunc(s.columns, func(c warehouse.Column) bool { return c.Name == "payload" })
	return s.columns[payload+1:]
}

// oldRows returns a SELECT of the rows in a range whose added columns are all NULL.
func (s *Sink) oldRows(values string) string {
	conditions := []string{"rowid >= ?", "rowid < ?"}
	for _, c := range s.added() {
		conditions = append(conditions, quote(c.Name)+" IS NULL")
	}
	return "SELECT " + values + " FROM " + eventsTable + " WHERE " + strings.Join(conditions, " AND ")
}

// readOld returns the rows that a worker would make of the payloads in a range, with the
// keys that the rows have in the table.
func (s *Sink) readOld(ctx context.Context, from, to int64, filled *Filled) ([]warehouse.Row, error) {
	found, err := s.file.conn.QueryContext(ctx, s.oldRows("workspace, event_id, metric, received_at, payload::VARCHAR"), from, to)
	if err != nil {
		return nil, fmt.Errorf("read rows: %w", err)
	}
	defer found.Close()
	var rows []warehouse.Row
	for found.Next() {
		var o warehouse.Origin
		var metric sql.NullString
		var payload string
		var received time.Time
		if err := found.Scan(&o.Workspace, &o.EventID, &metric, &received, &payload); err != nil {
			return nil, fmt.Errorf("read row: %w", err)
		}
		o.ReceivedAt = received
		e, err := webhook.Parse(body(payload))
		if err != nil {
			filled.Skipped++
			continue
		}
		row := warehouse.NewRow(e, o)
		row.Metric = webhook.Metric(metric.String)
		rows = append(rows, row)
	}
	return rows, found.Err()
}

// body returns the body that a payload was made of. A body that DuckDB refused is
// stored as a JSON string.
func body(payload string) []byte {
	var text string
	if strings.HasPrefix(payload, `"`) && json.Unmarshal([]byte(payload), &text) == nil {
		return []byte(text)
	}
	return []byte(payload)
}

// update writes the added columns of rows. Rows of the range that are not old have a
// value already, and coalesce keeps the value.
func (s *Sink) update(ctx context.Context, rows []warehouse.Row, from, to int64) error {
	indexes := make([]int, len(rows))
	for i := range rows {
		indexes[i] = i
	}
	var set []string
	for _, c := range s.used(rows, indexes) {
		name := quote(c.Name)
		value := "b." + name
		if c.Type == warehouse.JSON {
			value = duckdbsql.JSON(value)
		}
		switch {
		case slices.ContainsFunc(s.added(), func(a warehouse.Column) bool { return a.Name == c.Name }):
			set = append(set, fmt.Sprintf("%s = coalesce(t.%s, %s)", name, name, value))
		case c.Name == "payload" && slices.ContainsFunc(rows, func(r warehouse.Row) bool { return r.PayloadAltered != nil }):
			set = append(set, fmt.Sprintf("%s = CASE WHEN b.payload_altered THEN %s ELSE t.%s END", name, value, name))
		}
	}
	if len(set) == 0 {
		return nil
	}
	s.rows, s.indexes = rows, indexes
	defer func() { s.rows, s.indexes = nil, nil }()
	_, err := s.file.conn.ExecContext(ctx, fmt.Sprintf(`UPDATE %s t SET %s FROM cioevents_batch() b
WHERE t.rowid >= ? AND t.rowid < ? AND t.erased_at IS NULL
AND t.event_id = b.event_id AND t.workspace = b.workspace AND t.metric IS NOT DISTINCT FROM b.metric`, eventsTable, strings.Join(set, ", ")), from, to)
	if err != nil {
		return fmt.Errorf("update rows: %w", err)
	}
	return nil
}
