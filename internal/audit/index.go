package audit

import (
	"hash/maphash"
	"slices"
)

// An entry has what the warehouse knows about a delivery.
type entry struct {
	message uint32 // place in index.messages
	// The metrics with a row at any time, with a row in the period, and in Customer.io's
	// list.
	stored, within, listed bits
}

// An index has the deliveries of a warehouse, by the hash of the id, in 30 to 60 bytes each.
// Two of a million deliveries share a hash of 64 bits with a probability of 3 in 100
// million, and the seed differs in each audit.
type index struct {
	seed     maphash.Seed
	entries  map[uint64]entry
	messages []Message
	places   map[Message]uint32
}

func newIndex() *index {
	return &index{seed: maphash.MakeSeed(), entries: map[uint64]entry{}, places: map[Message]uint32{}}
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
	e.message = place
	hash := x.hash(id)
	if old, ok := x.entries[hash]; ok {
		e.stored, e.within = e.stored|old.stored, e.within|old.within
		if x.messages[old.message].Source != "" { // whichever row comes first
			e.message = old.message
		}
	}
	x.entries[hash] = e
}

// keys are hashes of the events in a warehouse, split by their first byte: while a list
// grows, Go has the old and the new list in memory.
type keys [256][]uint64

func (k *keys) add(hash uint64) {
	list := &k[hash>>56]
	*list = append(*list, hash)
}

// sort prepares has.
func (k *keys) sort() {
	for _, list := range k {
		slices.Sort(list)
	}
}

func (k *keys) has(hash uint64) bool {
	_, ok := slices.BinarySearch(k[hash>>56], hash)
	return ok
}
