// Package people finds, exports and erases the personal data of persons, in the stream, in
// the dead letters and in every warehouse.
package people

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cioevents/cioevents/internal/privacy"
	"github.com/cioevents/cioevents/internal/stream"
)

// A Warehouse is a warehouse with the name of its consumer.
type Warehouse struct {
	privacy.Store
	Consumer string
}

// Config configures People. Conn is required.
type Config struct {
	// Conn is a connection with the rights of an operator.
	Conn *stream.Conn
	// Warehouses are all warehouses of the pipeline. Default none.
	Warehouses []Warehouse
	// Key makes the marks of erased persons. Required by Erase and Forget.
	Key *privacy.Key
	// Wait bounds the wait for the consumers. Default 5 min.
	Wait time.Duration
	// Settle is the time within which every worker honours a new mark. Default
	// stream.MarksWithin.
	Settle time.Duration
	// Step is called at the beginning of each step, and returns the progress of the step,
	// nil for none. Default: nobody watches.
	Step func(step string) (progress func(done, total int64))
}

// People finds, exports and erases persons.
type People struct {
	cfg    Config
	events *stream.EventStore
	dead   *stream.DeadStore
}

// New returns People.
func New(cfg Config) *People {
	cfg.Wait = cmp.Or(cfg.Wait, 5*time.Minute)
	cfg.Settle = cmp.Or(cfg.Settle, stream.MarksWithin)
	if cfg.Step == nil {
		cfg.Step = func(string) func(done, total int64) { return nil }
	}
	return &People{cfg: cfg, events: cfg.Conn.EventStore(), dead: cfg.Conn.DeadStore()}
}

// A Person is a person as an operator has named the person, and with the identifiers that
// the warehouses know.
type Person struct {
	privacy.Person
	// Hashed is set when a warehouse knows an identifier as a hash only: an event that has
	// that identifier alone is found in this warehouse and nowhere else.
	Hashed bool
	// Others are further persons with one of the identifiers: the combinations of their
	// identifiers.
	Others [][]privacy.Identifier
	// Further are identifiers in events of the person that are not the person's, as far as
	// Resolve knows, and not those of Others. An event with one of them alone is not found,
	// and stays. After an erasure nothing leads from the person to the event.
	Further []privacy.Identifier
}

// A Choice says how far the identifiers of a person reach.
type Choice struct {
	// All takes all persons behind a shared identifier for one person.
	All bool
	// Exact takes the given identifiers alone.
	Exact bool
}

// Resolve completes the identifiers of a person by those that stand in one event with a
// given one in a warehouse. Resolve never goes over the recipient of a message: a message
// may go to an address of somebody else. Call CatchUp before.
func (p *People) Resolve(ctx context.Context, workspace string, given []privacy.Identifier, c Choice) (*Person, error) {
	together, err := p.related(ctx, workspace, given)
	if err != nil {
		return nil, err
	}
	ids := union(given, together...)
	if c.Exact {
		ids = given
	} else if len(ids) > len(given) { // a found address may be the address of others, too
		if together, err = p.related(ctx, workspace, ids); err != nil {
			return nil, err
		}
	}
	person := &Person{Person: privacy.Person{Workspace: workspace, Identifiers: ids}}
	person.Hashed = slices.ContainsFunc(ids, p.isHash)
	others := strangers(together, given)
	switch {
	case len(others) == 0:
	case c.All && !c.Exact:
		person.Identifiers = union(ids, together...)
		if together, err = p.related(ctx, workspace, person.Identifiers); err != nil {
			return nil, err
		}
	case !c.All:
		person.Others = others
	}
	person.Further = p.further(person, together)
	return person, nil
}

// further returns the identifiers among combinations that neither the person nor the Others
// have, each once.
func (p *People) further(person *Person, combinations [][]privacy.Identifier) []privacy.Identifier {
	found := union(nil, combinations...)
	known := union(person.Identifiers, person.Others...)
	var list []privacy.Identifier
	for _, id := range found {
		if id = p.clear(id, found); !slices.Contains(known, id) {
			list = append(list, id)
		}
	}
	return union(list)
}

// related asks all warehouses.
func (p *People) related(ctx context.Context, workspace string, ids []privacy.Identifier) (all [][]privacy.Identifier, err error) {
	for _, w := range p.cfg.Warehouses {
		list, err := w.Related(ctx, workspace, ids)
		if err != nil {
			return nil, fmt.Errorf("%s: find the identifiers of the person: %w", w.Name(), err)
		}
		all = append(all, list...)
	}
	for _, together := range all {
		for i := range together {
			together[i] = p.clear(together[i], ids)
		}
	}
	return all, nil
}

// clear returns the identifier among some whose hash an identifier of a warehouse is. Else
// one person would look like two.
func (p *People) clear(id privacy.Identifier, among []privacy.Identifier) privacy.Identifier {
	if p.isHash(id) {
		for _, a := range among {
			if a.Kind == id.Kind && p.cfg.Key.Hash(a.Value) == id.Value {
				return a
			}
		}
	}
	return id
}

func (p *People) isHash(id privacy.Identifier) bool {
	return p.cfg.Key != nil && strings.HasPrefix(id.Value, p.cfg.Key.ID+":") && len(id.Value) == len(p.cfg.Key.ID)+1+64
}

// union returns the identifiers of all lists, each once, sorted.
func union(first []privacy.Identifier, more ...[]privacy.Identifier) []privacy.Identifier {
	all := slices.Concat(append([][]privacy.Identifier{first}, more...)...)
	slices.SortFunc(all, compare)
	return slices.Compact(all)
}

func compare(a, b privacy.Identifier) int {
	return cmp.Or(cmp.Compare(slices.Index(privacy.Kinds(), a.Kind), slices.Index(privacy.Kinds(), b.Kind)), strings.Compare(a.Value, b.Value))
}

// ErrSeveral reports that several persons share an identifier.
var ErrSeveral = errors.New("several persons share an identifier")

// strangers returns the persons among combinations of identifiers that are not the person
// of the given identifiers. An id and a cio_id name a single person. Without either of them
// among the given ones, a single person behind an address is meant.
func strangers(combinations [][]privacy.Identifier, given []privacy.Identifier) [][]privacy.Identifier {
	persons := personsOf(combinations)
	isNamed := func(person []privacy.Identifier) bool {
		return slices.ContainsFunc(person, func(id privacy.Identifier) bool { return namesOne(id) && slices.Contains(given, id) })
	}
	others := slices.DeleteFunc(slices.Clone(persons), isNamed)
	if len(others) == 1 && len(persons) == 1 && !differ(others[0], given) {
		return nil
	}
	return others
}

// differ reports whether two lists name different persons: by an id or a cio_id, which both
// have, and none in common.
func differ(person, given []privacy.Identifier) bool {
	return slices.ContainsFunc(person, func(id privacy.Identifier) bool {
		return namesOne(id) && slices.ContainsFunc(given, func(g privacy.Identifier) bool { return g.Kind == id.Kind })
	})
}

func namesOne(id privacy.Identifier) bool { return id.Kind == privacy.ID || id.Kind == privacy.CioID }

// personsOf joins the combinations with an equal id or cio_id.
func personsOf(combinations [][]privacy.Identifier) (persons [][]privacy.Identifier) {
	for _, c := range combinations {
		if !slices.ContainsFunc(c, namesOne) {
			continue // an address alone tells no persons apart
		}
		joined := union(c)
		persons = slices.DeleteFunc(persons, func(person []privacy.Identifier) bool {
			same := slices.ContainsFunc(person, func(id privacy.Identifier) bool { return namesOne(id) && slices.Contains(joined, id) })
			if same {
				joined = union(joined, person)
			}
			return same
		})
		persons = append(persons, joined)
	}
	return persons
}
