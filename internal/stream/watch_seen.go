package stream

import (
	"cmp"
	"slices"
	"time"
)

// A Seen is a reading of a Watch, for people who look at a worker from elsewhere.
type Seen struct {
	Consumers []SeenConsumer
	// Held counts the suppressions that wait as dead letters.
	Held uint64
}

// A SeenConsumer is a consumer in a reading.
type SeenConsumer struct {
	Name string `json:"name"`
	// Lag counts the unsettled messages.
	Lag uint64 `json:"lag"`
	// Settled is the sequence up to which all messages are settled, and SettledAt the time
	// of the last acknowledgement; zero before the first.
	Settled   uint64    `json:"settled"`
	SettledAt time.Time `json:"settled_at,omitzero"`
	// OldestAt is when the oldest unsettled message was stored, zero for none.
	OldestAt time.Time `json:"oldest_at,omitzero"`
}

// Seen returns the last reading. The result is false before the first reading, and while
// NATS has not answered for a minute.
func (w *Watch) Seen() (Seen, bool) {
	r := w.seen()
	if r == nil {
		return Seen{}, false
	}
	s := Seen{Consumers: []SeenConsumer{}}
	if r.dead != nil {
		s.Held = r.dead.held
	}
	for _, info := range r.consumers {
		c := SeenConsumer{Name: info.Name, Lag: lagOf(info), Settled: info.AckFloor.Stream}
		if at := info.AckFloor.Last; at != nil {
			c.SettledAt = *at
		}
		if age := r.ages[info.Name]; age > 0 {
			c.OldestAt = r.at.Add(-age).UTC()
		}
		s.Consumers = append(s.Consumers, c)
	}
	slices.SortFunc(s.Consumers, func(a, b SeenConsumer) int { return cmp.Compare(a.Name, b.Name) })
	return s, true
}
