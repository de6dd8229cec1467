package worker

import (
	"maps"
	"slices"
	"time"

	"github.com/cioevents/cioevents/internal/effect"
)

// A fold is what a batch of events comes to, person by person. The same person
// under another identifier is another person here, which costs an update and does
// no harm.
type fold map[effect.Person]*folded

type folded struct {
	attributes map[string]valueAt
	tracks     []effect.Call
	messages   []int // all that contributed
	failed     bool
}

type valueAt struct {
	value any
	at    int64 // unix seconds, which is all that Customer.io compares
}

// add folds the calls of message i.
func (f fold) add(i int, calls []effect.Call) {
	for _, c := range calls {
		p := f[c.Person]
		if p == nil {
			p = &folded{attributes: make(map[string]valueAt, len(c.Attributes))}
			f[c.Person] = p
		}
		if n := len(p.messages); n == 0 || p.messages[n-1] != i {
			p.messages = append(p.messages, i)
		}
		if c.Kind == effect.Track {
			p.tracks = append(p.tracks, c)
			continue
		}
		for name, value := range c.Attributes {
			at := c.At.Unix()
			// Of two at the same second the one that comes later stays, as at
			// Customer.io.
			if old, ok := p.attributes[name]; !ok || old.at <= at {
				p.attributes[name] = valueAt{value, at}
			}
		}
	}
}

// calls returns the calls to make, and whom each is about.
func (f fold) calls() (calls []effect.Call, owners []*folded) {
	calls, owners = make([]effect.Call, 0, len(f)), make([]*folded, 0, len(f))
	for person, p := range f {
		for _, c := range slices.Concat(p.updates(person), p.tracks) {
			calls, owners = append(calls, c), append(owners, p)
		}
	}
	return calls, owners
}

// updates returns one update for each time that an attribute has its last value
// from: a call carries one time for all its attributes, and a later time than its
// own would protect a value against newer ones. There is hardly ever more than one.
func (p *folded) updates(person effect.Person) []effect.Call {
	byTime := map[int64]map[string]any{}
	for name, v := range p.attributes {
		if byTime[v.at] == nil {
			byTime[v.at] = make(map[string]any, len(p.attributes))
		}
		byTime[v.at][name] = v.value
	}
	calls := make([]effect.Call, 0, len(byTime))
	for _, at := range slices.Sorted(maps.Keys(byTime)) {
		calls = append(calls, effect.Call{Kind: effect.Identify, Person: person, At: time.Unix(at, 0), Attributes: byTime[at]})
	}
	return calls
}
