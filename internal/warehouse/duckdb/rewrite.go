package duckdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/privacy"
	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// A Rewriting configures Rewrite. Path and Change are required.
type Rewriting struct {
	// Path is the database file.
	Path string
	Log  zerolog.Logger
	// Change may change the Personal columns and the payload (Raw) of a row, and reports
	// whether it has. Of the other columns the row has workspace, event_id, metric, object_type,
	// timestamp, recipient_domain, mailbox_provider, bounce_class and erased_at. After
	// an interruption, the next Rewrite calls Change again with the same rows.
	Change func(*warehouse.Row) bool
	// Progress is called after each step with the number of rows that are looked at.
	// Default nil.
	Progress func(done, total int64)
}

// Rewrite changes rows as Erase does: the old values are gone from the file.
func Rewrite(ctx context.Context, w Rewriting) (privacy.Erased, error) {
	return revise(ctx, w.Path, w.Log, revision{
		step: fillRows, progress: w.Progress,
		prepare: func(context.Context, *file) (bool, error) { return true, nil },
		changes: func(ctx context.Context, f *file, from, to int64) ([]warehouse.Row, error) {
			rows, err := f.readRows(ctx, from, to)
			changed := rows[:0]
			for i := range rows {
				if w.Change(&rows[i]) {
					changed = append(changed, rows[i])
				}
			}
			return changed, err
		},
	})
}

// readRows returns the rows with numbers from from on, below to.
func (f *file) readRows(ctx context.Context, from, to int64) (rows []warehouse.Row, err error) {
	personal := slices.DeleteFunc(warehouse.Columns(), func(c warehouse.Column) bool { return !c.Personal })
	names := []string{"rowid", "workspace", "event_id", "metric", "object_type", `"timestamp"`, "erased_at", "recipient_domain", "mailbox_provider", "bounce_class", "payload::VARCHAR"}
	for _, c := range personal {
		names = append(names, quote(c.Name)+"::VARCHAR")
	}
	//nolint:gosec // names of columns
	found, err := f.conn.QueryContext(ctx, "SELECT "+strings.Join(names, ", ")+" FROM "+eventsTable+" WHERE rowid >= ? AND rowid < ? ORDER BY rowid", from, to)
	if err != nil {
		return nil, fmt.Errorf("read rows: %w", err)
	}
	defer func() { err = errors.Join(err, found.Close()) }()
	for found.Next() {
		var r warehouse.Row
		if err := scanRow(found, &r, personal); err != nil {
			return nil, fmt.Errorf("read row: %w", err)
		}
		rows = append(rows, r)
	}
	return rows, found.Err()
}

func scanRow(found *sql.Rows, r *warehouse.Row, personal []warehouse.Column) error {
	var number int64
	var occurred, erased sql.NullTime
	texts := make([]sql.NullString, 6+len(personal))
	into := []any{&number, &r.Workspace, &r.EventID, &texts[0], &texts[1], &occurred, &erased, &texts[2], &texts[3], &texts[4], &texts[5]}
	for i := range personal {
		into = append(into, &texts[6+i])
	}
	if err := found.Scan(into...); err != nil {
		return err
	}
	setNumber(r, number)
	r.Metric, r.ObjectType = webhook.Metric(texts[0].String), webhook.ObjectType(texts[1].String)
	r.Timestamp, r.ErasedAt = occurred.Time, erased.Time
	r.Domain, r.Provider, r.Bounce, r.Raw = texts[2].String, texts[3].String, texts[4].String, []byte(texts[5].String)
	for i := range personal {
		*personal[i].Field(r) = texts[6+i].String
	}
	return nil
}
