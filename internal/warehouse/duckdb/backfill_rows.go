package duckdb

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/duckdbsql"
	"github.com/cioevents/cioevents/pkg/webhook"
)

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
		if err := found.Scan(&o.Workspace, &o.EventID, &metric, &o.ReceivedAt, &payload); err != nil {
			return nil, fmt.Errorf("read row: %w", err)
		}
		var row warehouse.Row
		if row.Parse(body(payload), o) != nil {
			filled.Skipped++
			continue
		}
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

// update writes the added columns of rows. coalesce keeps the values of a newer row.
func (s *Sink) update(ctx context.Context, rows []warehouse.Row, from, to int64) error {
	indexes := make([]int, len(rows))
	for i := range rows {
		indexes[i] = i
	}
	set := s.assignments(rows, indexes)
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

// assignments returns the SQL that fills the added columns with a value in one of the
// rows, and replaces altered payloads.
func (s *Sink) assignments(rows []warehouse.Row, indexes []int) []string {
	var set []string
	altered := slices.ContainsFunc(rows, func(r warehouse.Row) bool { return r.PayloadAltered != nil })
	isAdded := map[string]bool{}
	for _, c := range s.added() {
		isAdded[c.Name] = true
	}
	for _, c := range s.used(rows, indexes) {
		name := quote(c.Name)
		value := "b." + name
		if c.Type == warehouse.JSON {
			value = duckdbsql.JSON(value)
		}
		switch {
		case isAdded[c.Name]:
			set = append(set, fmt.Sprintf("%s = coalesce(t.%s, %s)", name, name, value))
		case c.Name == "payload" && altered:
			set = append(set, fmt.Sprintf("%s = CASE WHEN b.payload_altered THEN %s ELSE t.%s END", name, value, name))
		}
	}
	return set
}
