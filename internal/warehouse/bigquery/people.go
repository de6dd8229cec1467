package bigquery

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/cioevents/cioevents/internal/privacy"
	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// People finds, exports and erases persons in a dataset. It implements privacy.Store.
//
// A search reads the columns with identifiers of the whole table, and the payloads as well
// if it is about a phone number, which only payloads have. Rows of the first release, whose
// columns Backfill has not filled, are found by customer_id and cio_id only.
//
// To search, the account needs the roles of a Reader. To erase, the account needs
// roles/bigquery.dataEditor on the dataset and roles/bigquery.jobUser on the project: give
// the roles to an account of its own, because workers need no right to run jobs.
type People struct {
	// Config names the dataset, and bounds what a statement may cost.
	Config Config
	// Key finds the hashed values of a policy. Default nil: the table has none.
	Key *privacy.Key
}

// Name implements privacy.Store.
func (*People) Name() string { return "warehouse bigquery" }

// Related implements privacy.Store.
func (p *People) Related(ctx context.Context, workspace string, ids []privacy.Identifier) ([][]privacy.Identifier, error) {
	var all privacy.Combinations
	err := p.search(ctx, []privacy.Person{{Workspace: workspace, Identifiers: ids}}, func(_ *Reader, hits []hit) error {
		for i := range hits {
			all.Add(&hits[i].event)
		}
		return nil
	})
	return all.List, err
}

// Find implements privacy.Store.
func (p *People) Find(ctx context.Context, persons []privacy.Person) ([]privacy.Found, error) {
	tally := privacy.NewTally[warehouse.Key](len(persons))
	err := p.search(ctx, persons, func(_ *Reader, hits []hit) error {
		for i := range hits {
			tally.Add(hits[i].persons, hits[i].key, hits[i].occurred)
		}
		return nil
	})
	return tally.Found(), err
}

// Export implements privacy.Store.
func (p *People) Export(ctx context.Context, person privacy.Person, to func(privacy.Record) error) error {
	return p.search(ctx, []privacy.Person{person}, func(r *Reader, hits []hit) error {
		seen := map[warehouse.Key]bool{}
		return eachRow(ctx, r, hits, "workspace, event_id, metric, `timestamp`, stream_sequence, payload", func(row []any) error {
			k := warehouse.Key{Workspace: textOf(row[0]), EventID: textOf(row[1]), Metric: textOf(row[2])}
			if seen[k] {
				return nil
			}
			seen[k] = true
			record := privacy.Record{Store: p.Name(), EventID: k.EventID, Metric: k.Metric}
			record.Time, _ = row[3].(time.Time)
			if n, ok := row[4].(int64); ok {
				record.Sequence = uint64(n) //nolint:gosec // never negative
			}
			record.Body, _ = row[5].(json.RawMessage)
			return to(record)
		})
	})
}

// Estimate returns what a search for persons costs. Find, Export and Erase begin with such
// a search, and the other statements read only the days of the persons.
func (p *People) Estimate(ctx context.Context, persons []privacy.Person) (e warehouse.Estimate, err error) {
	r, err := OpenReader(ctx, p.Config)
	if err != nil {
		return e, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	return r.Estimate(ctx, newQuestion(persons, p.Key).statement(Raw))
}

// search calls do with the rows of persons.
func (p *People) search(ctx context.Context, persons []privacy.Person, do func(*Reader, []hit) error) (err error) {
	r, err := OpenReader(ctx, p.Config)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	hits, err := newQuestion(persons, p.Key).ask(ctx, r)
	if err != nil {
		return err
	}
	return do(r, hits)
}

// A hit is a row of a person.
type hit struct {
	key      warehouse.Key
	occurred time.Time // zero for NULL
	event    webhook.Event
	persons  []int // the indexes
}

// keysOf returns the keys of rows, each once.
func keysOf(hits []hit) []warehouse.Key {
	var keys []warehouse.Key
	seen := map[warehouse.Key]bool{}
	for i := range hits {
		if k := hits[i].key; !seen[k] {
			seen[k] = true
			keys = append(keys, k)
		}
	}
	return keys
}

// eachRow calls do with the columns of the rows of hits.
func eachRow(ctx context.Context, r *Reader, hits []hit, columns string, do func(row []any) error) error {
	for _, where := range conditions(hits) {
		rows, err := r.Query(ctx, "SELECT "+columns+" FROM "+Raw+" WHERE "+where)
		if err != nil {
			return err
		}
		for row, err := range rows.Each {
			if err == nil {
				err = do(row)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func textOf(value any) string {
	text, _ := value.(string)
	return text
}
