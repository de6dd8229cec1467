package worker

import "iter"

// owned lists the messages of a batch by entry. Each message names the message before it
// of the same entry, so that a large batch needs no list for each entry.
type owned struct {
	last   map[*entry]int32 // index of the last message of the entry
	before []int32          // by message, none for the first of an entry
}

const none = -1

func newOwned(messages int) *owned {
	return &owned{last: map[*entry]int32{}, before: make([]int32, messages)}
}

// add adds message i to the entry.
func (o *owned) add(p *entry, i int) {
	last, ok := o.last[p]
	if !ok {
		last = none
	}
	o.before[i], o.last[p] = last, int32(i) //nolint:gosec // a batch has fewer messages than 2^31
}

// of returns the messages of the entry, the last first.
func (o *owned) of(p *entry) iter.Seq[int] {
	return func(yield func(int) bool) {
		i, ok := o.last[p]
		for ; ok && i != none && yield(int(i)); i = o.before[i] {
		}
	}
}
