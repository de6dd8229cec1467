package parquet

import (
	"context"
	"path/filepath"
	"time"

	"github.com/cioevents/cioevents/internal/privacy"
	"github.com/cioevents/cioevents/internal/warehouse"
)

// People finds, exports and erases persons in a folder of Parquet files. It implements
// privacy.Store. Workers may write meanwhile.
type People struct {
	// Dir is the folder of the warehouse.
	Dir string
	// Key finds the hashed values of a policy. Default nil: the files have none.
	Key *privacy.Key
	// Grace is the time for which files that Erase has replaced stay for the readers that
	// have listed the files already. Erase waits for Grace, and the files are gone when
	// Erase returns. Default 0; cioctl passes 30 s.
	Grace time.Duration
}

// Name implements privacy.Store.
func (*People) Name() string { return "warehouse parquet" }

// Related implements privacy.Store.
func (p *People) Related(ctx context.Context, workspace string, ids []privacy.Identifier) ([][]privacy.Identifier, error) {
	var all privacy.Combinations
	err := p.each(ctx, []privacy.Person{{Workspace: workspace, Identifiers: ids}}, func(_ []int, r *warehouse.Row) error {
		all.Add(identityOf(r))
		return nil
	})
	return all.List, err
}

// Find implements privacy.Store.
func (p *People) Find(ctx context.Context, persons []privacy.Person) ([]privacy.Found, error) {
	tally := privacy.NewTally[warehouse.Key](len(persons))
	err := p.each(ctx, persons, func(of []int, r *warehouse.Row) error {
		tally.Add(of, r.Key(), r.Timestamp)
		return nil
	})
	return tally.Found(), err
}

// Export implements privacy.Store.
func (p *People) Export(ctx context.Context, person privacy.Person, to func(privacy.Record) error) error {
	seen := map[warehouse.Key]bool{}
	return p.each(ctx, []privacy.Person{person}, func(_ []int, r *warehouse.Row) error {
		if seen[r.Key()] {
			return nil
		}
		seen[r.Key()] = true
		return to(privacy.Record{Store: p.Name(), EventID: r.EventID, Metric: string(r.Metric), Time: r.Timestamp, Sequence: r.Sequence, Body: r.Raw})
	})
}

// each calls do with each row of persons and their indexes. An event may have several rows.
func (p *People) each(ctx context.Context, persons []privacy.Person, do func(of []int, r *warehouse.Row) error) error {
	days, err := daysBefore(filepath.Join(p.Dir, warehouse.Events), time.Time{})
	if err != nil {
		return err
	}
	f := newFinder(privacy.NewSearch(persons, p.Key))
	for _, d := range days {
		for _, path := range d.paths() {
			err := f.eachHit(ctx, path, func(hits []hit) error {
				for i := range hits {
					if err := do(hits[i].persons, &hits[i].row); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// Erase implements privacy.Store. Progress counts days.
func (p *People) Erase(ctx context.Context, persons []privacy.Person, o privacy.EraseOptions) (privacy.Erased, error) {
	at := o.At
	if at.IsZero() {
		at = time.Now()
	}
	f := newFinder(privacy.NewSearch(persons, p.Key))
	events := map[warehouse.Key]bool{}
	err := revise(ctx, p.Dir, p.Grace, revision{
		remove: o.Rows, progress: o.Progress,
		changes: func(g group) (map[int]*warehouse.Row, error) {
			hits, err := f.hits(g)
			changed := make(map[int]*warehouse.Row, len(hits))
			for i := range hits {
				r := &hits[i].row
				events[r.Key()] = true
				r.Erase(at)
				changed[hits[i].index] = r
			}
			return changed, err
		},
	})
	return privacy.Erased{Events: int64(len(events))}, err
}
