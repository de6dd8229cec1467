package people

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cioevents/cioevents/internal/privacy"
)

// A StoreCount has what a store holds about a person.
type StoreCount struct {
	Store  string    `json:"store"`
	Events int64     `json:"events"`
	First  time.Time `json:"first,omitzero"`
	Last   time.Time `json:"last,omitzero"`
	// Stay counts the events with one of the Further identifiers that are not the person's.
	Stay int64 `json:"stay,omitempty"`
	// Error says why the store could not be read, "" for a store that was read.
	Error string `json:"error,omitempty"`
}

// ErrUnread reports that a store could not be read.
var ErrUnread = errors.New("not every store could be read")

// Find counts the events of persons in every store. A store that cannot be read has an
// Error, and the error is then ErrUnread.
func (p *People) Find(ctx context.Context, persons []*Person) (counts [][]StoreCount, err error) {
	counts = make([][]StoreCount, len(persons))
	more := withFurther(persons)
	asked := plain(persons)
	for _, i := range more {
		asked = append(asked, wider(persons[i]))
	}
	for _, s := range p.stores() {
		p.cfg.Step("search " + s.Name())
		found, failed := s.Find(ctx, asked)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		for i := range persons {
			c := StoreCount{Store: s.Name()}
			if failed != nil {
				c.Error, err = failed.Error(), ErrUnread
			} else {
				c.Events, c.First, c.Last = found[i].Events, found[i].First, found[i].Last
				if at := slices.Index(more, i); at >= 0 {
					c.Stay = found[len(persons)+at].Events - c.Events
				}
			}
			counts[i] = append(counts[i], c)
		}
	}
	unknown, failed := p.unknown(ctx)
	for _, name := range unknown {
		for i := range persons {
			counts[i] = append(counts[i], StoreCount{Store: name, Error: notNamed})
		}
		err = ErrUnread
	}
	return counts, cmp.Or(failed, err)
}

// withFurther returns the indexes of the persons with Further identifiers.
func withFurther(persons []*Person) (list []int) {
	for i, p := range persons {
		if len(p.Further) > 0 {
			list = append(list, i)
		}
	}
	return list
}

// wider returns the person with the Further identifiers, too: one read of a store counts the
// events of both.
func wider(p *Person) privacy.Person {
	return privacy.Person{Workspace: p.Workspace, Identifiers: union(p.Identifiers, p.Further)}
}

// Absent returns the indexes of the persons without a single event in any store. A person is
// not absent if a store could not be read.
func Absent(counts [][]StoreCount) (persons []int) {
	for i, stores := range counts {
		if !slices.ContainsFunc(stores, func(c StoreCount) bool { return c.Events > 0 || c.Error != "" }) {
			persons = append(persons, i)
		}
	}
	return persons
}

// unknown returns the warehouses that consumers fill and that Config.Warehouses lacks.
func (p *People) unknown(ctx context.Context) (list []string, err error) {
	positions, _, err := p.cfg.Conn.Positions(ctx)
	for _, at := range positions {
		isOurs := slices.ContainsFunc(p.cfg.Warehouses, func(w Warehouse) bool { return w.Consumer == at.Consumer })
		if at.Store.ID != "" && !isOurs {
			list = append(list, fmt.Sprintf("warehouse %s of consumer %s", at.Store.Place, at.Consumer))
		}
	}
	return list, err
}

// notNamed is the error of an unknown warehouse.
const notNamed = "WAREHOUSE_URL does not name this warehouse, or its file is missing: add it; if the warehouse is gone for good, delete the consumer"

// stores returns the stores in the order of an erasure: the warehouses are last, because
// they tell the identifiers of a person.
func (p *People) stores() []privacy.Store {
	list := []privacy.Store{p.events, p.dead}
	for _, w := range p.cfg.Warehouses {
		list = append(list, w.Store)
	}
	return list
}

func plain(persons []*Person) (list []privacy.Person) {
	for _, p := range persons {
		list = append(list, p.Person)
	}
	return list
}

// An ExportCount has what Export took from a store.
type ExportCount struct {
	Store  string `json:"store"`
	Events int64  `json:"events"`
	// Known counts the events that a store before has, too.
	Known int64  `json:"known"`
	Error string `json:"error,omitempty"`
}

// Export calls to with every event of a person once. The stream comes first: it has the
// bodies byte for byte. The error is ErrUnread when a store could not be read; the counts
// then say which.
func (p *People) Export(ctx context.Context, person *Person, to func(privacy.Record) error) (counts []ExportCount, err error) {
	type key struct{ id, metric string }
	seen := map[key]bool{}
	for _, s := range p.stores() {
		p.cfg.Step("export from " + s.Name())
		c := ExportCount{Store: s.Name()}
		var full error // the caller's
		failed := s.Export(ctx, person.Person, func(r privacy.Record) error {
			k := key{r.EventID, r.Metric}
			if seen[k] {
				c.Known++
				return nil
			}
			seen[k] = true
			c.Events++
			full = to(r)
			return full
		})
		if full != nil || ctx.Err() != nil {
			return counts, errors.Join(full, context.Cause(ctx))
		}
		if failed != nil {
			c.Error, err = fmt.Sprint(failed), ErrUnread
		}
		counts = append(counts, c)
	}
	unknown, failed := p.unknown(ctx)
	for _, name := range unknown {
		counts, err = append(counts, ExportCount{Store: name, Error: notNamed}), ErrUnread
	}
	return counts, cmp.Or(failed, err)
}
