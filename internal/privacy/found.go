package privacy

import (
	"fmt"
	"time"

	"github.com/cioevents/cioevents/pkg/webhook"
)

// Found is the result of a search for a person. First and Last are the earliest and the
// latest time of the events that have a time, zero without such an event.
type Found struct {
	Events      int64
	First, Last time.Time
}

// A Tally counts the events of persons for Store.Find: each event, by a key, once.
type Tally[K comparable] struct {
	found []Found
	seen  map[K]bool
}

// NewTally returns a tally for a number of persons.
func NewTally[K comparable](persons int) *Tally[K] {
	return &Tally[K]{found: make([]Found, persons), seen: map[K]bool{}}
}

// Add adds an event of some persons, with a time or the zero time for none.
func (t *Tally[K]) Add(persons []int, key K, at time.Time) {
	if t.seen[key] {
		return
	}
	t.seen[key] = true
	for _, i := range persons {
		t.found[i].add(at)
	}
}

// Found returns the result for each person.
func (t *Tally[K]) Found() []Found { return t.found }

func (f *Found) add(at time.Time) {
	f.Events++
	if at.IsZero() {
		return
	}
	if f.First.IsZero() || at.Before(f.First) {
		f.First = at
	}
	if at.After(f.Last) {
		f.Last = at
	}
}

// Combinations collects the identifiers of events for Store.Related: each distinct
// combination once, in the order of the events. The zero value is empty.
type Combinations struct {
	List [][]Identifier
	seen map[string]bool
}

// Add adds the identifiers of an event, if it has any.
func (c *Combinations) Add(e *webhook.Event) {
	ids := Identify(e)
	text := fmt.Sprintf("%q", ids)
	if len(ids) == 0 || c.seen[text] {
		return
	}
	if c.seen == nil {
		c.seen = map[string]bool{}
	}
	c.seen[text] = true
	c.List = append(c.List, ids)
}
