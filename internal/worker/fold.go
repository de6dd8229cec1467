package worker

import (
	"slices"
	"strings"
	"time"

	"github.com/cioevents/cioevents/internal/effect"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// A fold combines the calls of a batch of events, person by person. A person with
// two identifiers has two entries, which costs one more update and does no harm. The key is
// the value of the identifier: a map of short keys takes half the memory.
type fold map[string]*entry

// A key is a person, or the metric of events without calls: see outcome.
type key struct {
	person         effect.Person
	otherRecipient webhook.Metric
}

type entry struct {
	key
	attributes []valueAt
	tracks     []effect.Call
	next       *entry // of the same value with another kind of identifier or metric
	last       int32  // index of the last message in the batch, see owned; none for no message
}

type valueAt struct {
	name  string
	value any
	at    int64 // unix seconds, because Customer.io compares seconds
}

// add folds an event's calls into its person's entry and returns the entry. An event
// without calls goes to the zero Person, so that it is acknowledged with the batch.
func (f fold) add(o outcome) *entry {
	k := key{otherRecipient: o.otherRecipient}
	if len(o.calls) > 0 {
		k.person = o.calls[0].Person
	}
	p := f.entry(k)
	for _, c := range o.calls {
		if c.Kind == effect.Track {
			p.tracks = append(p.tracks, c)
			continue
		}
		p.attributes = slices.Grow(p.attributes, max(0, len(c.Attributes)-len(p.attributes)))
		for name, value := range c.Attributes {
			p.set(valueAt{name, value, c.At.Unix()})
		}
	}
	return p
}

// entry returns the entry of a key, and adds a missing entry.
func (f fold) entry(k key) *entry {
	first := f[k.person.Value]
	for p := first; p != nil; p = p.next {
		if p.key == k {
			return p
		}
	}
	// A substring of a body keeps the whole body in memory.
	k.person.Value = strings.Clone(k.person.Value)
	k.otherRecipient = webhook.Metric(strings.Clone(string(k.otherRecipient)))
	p := &entry{key: k, next: first, last: none}
	f[k.person.Value] = p
	return p
}

// set keeps the value with the later time. Of two values with the same second, set
// keeps the value that arrives later, as Customer.io does.
func (p *entry) set(v valueAt) {
	if s, ok := v.value.(string); ok {
		v.value = strings.Clone(s)
	}
	i := slices.IndexFunc(p.attributes, func(old valueAt) bool { return old.name == v.name })
	switch {
	case i < 0:
		p.attributes = append(p.attributes, v)
	case p.attributes[i].at <= v.at:
		p.attributes[i] = v
	}
}

// calls returns the calls to make: one update for each distinct time among the
// attributes, and the person's Track events. An update carries one time for all its
// attributes. A time later than the attribute's own would protect the value against
// newer values. Most people need only one update.
func (p *entry) calls() []effect.Call {
	var calls []effect.Call
	for _, v := range p.attributes {
		i := slices.IndexFunc(calls, func(c effect.Call) bool { return c.At.Unix() == v.at })
		if i < 0 {
			i = len(calls)
			calls = append(calls, effect.Call{
				Kind: effect.Identify, Person: p.person, At: time.Unix(v.at, 0),
				Attributes: make(map[string]any, len(p.attributes)),
			})
		}
		calls[i].Attributes[v.name] = v.value
	}
	return append(calls, p.tracks...)
}
