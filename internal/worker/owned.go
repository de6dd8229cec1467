package worker

import (
	"iter"

	"github.com/cioevents/cioevents/internal/event"
)

// owned lists the messages of a batch by entry. Each message names the message before it
// of the same entry, so that a large batch needs no list for each entry.
type owned struct {
	people []*entry // that have messages
	before []int32  // by message, none for the first of an entry
}

const none = -1

func newOwned(batch []event.Attempt) *owned {
	for i := range batch {
		if p, ok := batch[i].Work.(*entry); ok {
			p.last = none // of an earlier try
		}
	}
	return &owned{before: make([]int32, len(batch))}
}

// add adds message i to the entry.
func (o *owned) add(p *entry, i int) {
	if p.last == none {
		o.people = append(o.people, p)
	}
	o.before[i], p.last = p.last, int32(i) //nolint:gosec // a batch has fewer messages than 2^31
}

// of returns the messages of the entry, the last first.
func (o *owned) of(p *entry) iter.Seq[int] {
	return func(yield func(int) bool) {
		for i := p.last; i != none && yield(int(i)); i = o.before[i] {
		}
	}
}
