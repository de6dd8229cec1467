package worker

import (
	"slices"
	"strings"
	"time"

	"github.com/cioevents/cioevents/internal/effect"
)

// A fold is what a batch of events comes to, person by person. The same person
// under another identifier is another person here, which costs an update and does
// no harm.
type fold map[effect.Person]*entry

type entry struct {
	person     effect.Person
	attributes []valueAt
	tracks     []effect.Call
}

type valueAt struct {
	name  string
	value any
	at    int64 // unix seconds, which is all that Customer.io compares
}

// add folds the calls of an event and returns what they are part of. Those of no
// calls are nobody's.
func (f fold) add(calls []effect.Call) *entry {
	var person effect.Person
	if len(calls) > 0 {
		person = calls[0].Person
	}
	p := f[person]
	if p == nil {
		// A part of a body keeps the whole of it in memory.
		person.Value = strings.Clone(person.Value)
		p = &entry{person: person}
		f[person] = p
	}
	for _, c := range calls {
		if c.Kind == effect.Track {
			p.tracks = append(p.tracks, c)
			continue
		}
		for name, value := range c.Attributes {
			p.set(valueAt{name, value, c.At.Unix()})
		}
	}
	return p
}

// set keeps the later value. Of two at the same second the one that comes later
// stays, as at Customer.io.
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

// calls returns the calls to make: one update for each time that an attribute has
// its last value from, and the events. An update carries one time for all its
// attributes, and a later time than its own would protect a value against newer
// ones. There is hardly ever more than one.
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
