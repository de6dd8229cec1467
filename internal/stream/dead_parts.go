package stream

import (
	"slices"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"

	"github.com/cioevents/cioevents/internal/event"
)

// partial puts parts together. Its zero value is ready.
type partial struct{ open map[string]*torn }

// A torn is a dead letter of which parts are missing.
type torn struct {
	letter event.StoredDeadLetter
	bodies [][]byte
	sizes  []int // -1 of a part that is missing
}

// add returns the dead letter that an entry makes complete, if it does.
func (p *partial) add(seq uint64, subject string, h nats.Header, body []byte, size int) *event.StoredDeadLetter {
	d := decodeDead(subject, h, body)
	i, n := parsePart(headerValue(h, headerPart))
	if n == 1 {
		return &event.StoredDeadLetter{DeadLetter: d, Entries: []uint64{seq}, Size: size}
	}
	id := deadID(&d) + "/" + strconv.Itoa(n)
	t := p.open[id]
	if t == nil {
		t = &torn{letter: event.StoredDeadLetter{DeadLetter: d}, bodies: make([][]byte, n), sizes: slices.Repeat([]int{-1}, n)}
		if p.open == nil {
			p.open = map[string]*torn{}
		}
		p.open[id] = t
	}
	// The same part again is the rest of a burial that did not come to its end
	// and was repeated much later: the same bytes.
	t.letter.Entries = append(t.letter.Entries, seq)
	t.bodies[i], t.sizes[i] = body, size
	if slices.Contains(t.sizes, -1) {
		return nil
	}
	delete(p.open, id)
	return t.whole()
}

func (t *torn) whole() *event.StoredDeadLetter {
	b := &t.letter
	b.Body, b.Size, b.Missing = slices.Concat(t.bodies...), 0, 0
	for _, size := range t.sizes {
		if size < 0 {
			b.Missing++
		} else {
			b.Size += size
		}
	}
	return b
}

// rest returns what stayed incomplete, the oldest first.
func (p *partial) rest() []*event.StoredDeadLetter {
	var list []*event.StoredDeadLetter
	for _, t := range p.open {
		list = append(list, t.whole())
	}
	slices.SortFunc(list, func(a, b *event.StoredDeadLetter) int { return slices.Compare(a.Entries, b.Entries) })
	return list
}

// parsePart reads "2/3" as the part with index 1 of 3, anything else as the
// only one.
func parsePart(s string) (i, n int) {
	first, second, _ := strings.Cut(s, "/")
	i, errI := strconv.Atoi(first)
	n, errN := strconv.Atoi(second)
	if errI != nil || errN != nil || n < 2 || i < 1 || i > n {
		return 0, 1
	}
	return i - 1, n
}
