package duckdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/cioevents/cioevents/internal/privacy"
	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// rangeRows is the number of rows of a step of an erasure: ten row groups. After each step
// the caller hears of the progress, and the context may end the erasure.
const rangeRows = 10 * 122_880

// Erase implements privacy.Store. The worker waits meanwhile: about a minute for 10 million
// rows. Progress counts rows.
//
// DuckDB leaves the bytes of changed and deleted rows in the file, after a CHECKPOINT and a
// VACUUM, too. So Erase writes a new file beside the old one and renames the new file: see
// revise.
func (p *People) Erase(ctx context.Context, persons []privacy.Person, o privacy.EraseOptions) (privacy.Erased, error) {
	at := o.At
	if at.IsZero() {
		at = time.Now()
	}
	search := privacy.NewSearch(persons, p.Key)
	var hits []warehouse.Row
	var stored []string
	return revise(ctx, p.Path, p.Log, revision{
		remove: o.Rows, step: rangeRows, progress: o.Progress,
		prepare: func(ctx context.Context, f *file) (_ bool, err error) {
			hits, stored, err = f.rowsOf(ctx, search, at)
			return len(hits) > 0, err
		},
		traces: func() []string { return tracesOf(search, stored) },
		changes: func(_ context.Context, _ *file, from, to int64) ([]warehouse.Row, error) {
			first, _ := slices.BinarySearchFunc(hits, from, compareNumber)
			last, _ := slices.BinarySearchFunc(hits, to, compareNumber)
			return hits[first:last], nil
		},
	})
}

// rowsOf returns the erased rows of persons, in the order of their numbers, and their
// identifiers as they are stored.
func (f *file) rowsOf(ctx context.Context, search *privacy.Search, at time.Time) (hits []warehouse.Row, stored []string, err error) {
	seen := map[string]bool{}
	//nolint:gosec // candidates quotes the identifiers
	found, err := f.conn.QueryContext(ctx, "SELECT "+identityColumns+`, rowid, event_id, metric, "timestamp" FROM `+eventsTable+
		" WHERE "+candidates(search)+" ORDER BY rowid")
	if err != nil {
		return nil, nil, fmt.Errorf("find rows of the persons: %w", warehouse.WithoutStatement(err))
	}
	defer func() { err = errors.Join(err, found.Close()) }()
	for found.Next() {
		row := make([]any, identities)
		into := make([]any, identities, identities+4)
		for i := range row {
			into[i] = &row[i]
		}
		var number int64
		var eventID, metric sql.NullString
		var occurred sql.NullTime
		if err := found.Scan(append(into, &number, &eventID, &metric, &occurred)...); err != nil {
			return nil, nil, fmt.Errorf("read row of a person: %w", err)
		}
		workspace, e := identityOf(row)
		if _, ok := search.Match(workspace, e); ok {
			hit := warehouse.Row{Derived: warehouse.Derived{Timestamp: occurred.Time}}
			hit.EventID, hit.Metric = eventID.String, webhook.Metric(metric.String)
			hit.Erase(at)
			setNumber(&hit, number)
			hits = append(hits, hit)
			for _, text := range []string{e.Identifiers.ID, e.Identifiers.CioID, e.Identifiers.Email, e.Identifiers.Phone, e.EmailAddress, e.Recipient} {
				seen[text] = true
			}
		}
	}
	return hits, slices.Collect(maps.Keys(seen)), warehouse.WithoutStatement(found.Err())
}

// The rows of a revision have the number of the row in the table, plus 1, in place of the
// sequence in the stream: a batch has no column of its own for the number, and 0 is NULL.
func setNumber(r *warehouse.Row, rowid int64) { r.Sequence = uint64(rowid) + 1 } //nolint:gosec // never negative

func compareNumber(r warehouse.Row, rowid int64) int { return int(int64(r.Sequence) - 1 - rowid) } //nolint:gosec // the table has fewer rows
