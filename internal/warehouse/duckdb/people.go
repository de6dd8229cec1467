package duckdb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/privacy"
	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// People finds, exports and erases persons in a database file. It implements
// privacy.Store. Each call opens the file and takes turns with the worker.
type People struct {
	// Path is the database file.
	Path string
	// Key finds the hashed values of a policy. Default nil: the file has none.
	Key *privacy.Key
	Log zerolog.Logger
}

// searchThreads is the number of DuckDB's threads for a search: the worker waits meanwhile.
const searchThreads = 2

// Name implements privacy.Store.
func (*People) Name() string { return "warehouse duckdb" }

// Related implements privacy.Store.
func (p *People) Related(ctx context.Context, workspace string, ids []privacy.Identifier) ([][]privacy.Identifier, error) {
	var all privacy.Combinations
	err := p.each(ctx, []privacy.Person{{Workspace: workspace, Identifiers: ids}}, "NULL", func(_ []int, e *webhook.Event, _ []any) error {
		all.Add(e)
		return nil
	})
	return all.List, err
}

// Find implements privacy.Store.
func (p *People) Find(ctx context.Context, persons []privacy.Person) ([]privacy.Found, error) {
	tally := privacy.NewTally[int64](len(persons))
	err := p.each(ctx, persons, `rowid, "timestamp"`, func(of []int, _ *webhook.Event, more []any) error {
		number, _ := more[0].(int64)
		at, _ := more[1].(time.Time)
		tally.Add(of, number, at)
		return nil
	})
	return tally.Found(), err
}

// Export implements privacy.Store. The worker waits until the caller has all events.
func (p *People) Export(ctx context.Context, person privacy.Person, to func(privacy.Record) error) error {
	return p.each(ctx, []privacy.Person{person}, `event_id, metric, "timestamp", stream_sequence, payload`, func(_ []int, _ *webhook.Event, more []any) error {
		r := privacy.Record{Store: p.Name(), EventID: textOf(more[0]), Metric: textOf(more[1])}
		r.Time, _ = more[2].(time.Time)
		if n, ok := more[3].(int64); ok {
			r.Sequence = uint64(n) //nolint:gosec // never negative
		}
		r.Body, _ = more[4].(json.RawMessage)
		return to(r)
	})
}

// each calls do with each event of persons, their indexes and further columns of its row.
func (p *People) each(ctx context.Context, persons []privacy.Person, columns string, do func(of []int, e *webhook.Event, more []any) error) (err error) {
	search := privacy.NewSearch(persons, p.Key)
	r, err := openReader(ctx, p.Path, searchThreads)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	rows, err := r.Query(ctx, "SELECT "+identityColumns+", "+columns+" FROM "+eventsTable+" WHERE "+candidates(search))
	if err != nil {
		return fmt.Errorf("find rows of the persons: %w", warehouse.WithoutStatement(err))
	}
	for row, err := range rows.Each {
		if err != nil {
			return warehouse.WithoutStatement(err)
		}
		workspace, e := identityOf(row)
		of, ok := search.Match(workspace, e)
		if !ok {
			continue
		}
		if err := do(of, e, row[identities:]); err != nil {
			return err
		}
	}
	return nil
}
