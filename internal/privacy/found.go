package privacy

import (
	"fmt"
	"time"

	"github.com/cioevents/cioevents/pkg/webhook"
)

// Found is the result of a search. First and Last are the earliest and the latest time of
// the events that have a time, zero without such an event.
type Found struct {
	Events      int64
	First, Last time.Time
}

// Span extends First and Last to a time. The zero time changes nothing.
func (f *Found) Span(at time.Time) {
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
