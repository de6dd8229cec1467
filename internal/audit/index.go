package audit

import (
	"cmp"
	"hash/maphash"
	"slices"
)

// An entry has what the warehouse knows about a delivery, in 24 bytes.
type entry struct {
	delivery uint64 // hash of the id
	message  uint32 // place in index.messages
	// The metrics with a row at any time, with a row in the period, and in Customer.io's
	// list.
	stored, within, listed bits
}

// An index has the deliveries of a warehouse. Two of a million deliveries share a hash of
// 64 bits with a probability of 3 in 100 million, and the seed differs in each audit.
type index struct {
	seed     maphash.Seed
	entries  []entry
	merged   int // entries up to here are sorted, one for each delivery
	messages []Message
	places   map[Message]uint32
}

func newIndex() *index {
	return &index{seed: maphash.MakeSeed(), places: map[Message]uint32{}}
}

func (x *index) hash(texts ...string) uint64 {
	var h maphash.Hash
	h.SetSeed(x.seed)
	for _, text := range texts {
		_, _ = h.WriteString(text) // never fails
		_ = h.WriteByte(0)
	}
	return h.Sum64()
}

// add adds what an event tells about a delivery.
func (x *index) add(id string, m Message, e entry) {
	place, ok := x.places[m]
	if !ok {
		place = uint32(len(x.messages)) //nolint:gosec // few messages
		x.messages, x.places[m] = append(x.messages, m), place
	}
	e.delivery, e.message = x.hash(id), place
	x.entries = append(x.entries, e)
	if len(x.entries) == cap(x.entries) && len(x.entries) > 2*x.merged {
		x.merge() // instead of more memory
	}
}

// merge sorts the entries and joins those of a delivery.
func (x *index) merge() {
	slices.SortFunc(x.entries, func(a, b entry) int { return cmp.Compare(a.delivery, b.delivery) })
	n := 0
	for _, e := range x.entries {
		if n > 0 && x.entries[n-1].delivery == e.delivery {
			last := &x.entries[n-1]
			last.stored, last.within = last.stored|e.stored, last.within|e.within
			if x.messages[last.message].Source == "" { // whichever row comes first
				last.message = e.message
			}
			continue
		}
		x.entries[n] = e
		n++
	}
	x.entries, x.merged = x.entries[:n], n
}

// find returns the entry of a delivery, or nil. The caller has called merge.
func (x *index) find(id string) *entry {
	i, ok := slices.BinarySearchFunc(x.entries, x.hash(id), func(e entry, h uint64) int { return cmp.Compare(e.delivery, h) })
	if !ok {
		return nil
	}
	return &x.entries[i]
}

// keys are hashes of the events in a warehouse.
type keys []uint64

func (k keys) has(hash uint64) bool {
	_, ok := slices.BinarySearch(k, hash)
	return ok
}
