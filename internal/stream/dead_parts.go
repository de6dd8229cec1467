package stream

import (
	"slices"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"

	"github.com/cioevents/cioevents/internal/event"
)

// A joiner joins the parts of dead letters. The zero value is ready to use.
type joiner struct{ open map[string]*incomplete }

// incomplete is a dead letter with missing parts.
type incomplete struct {
	letter event.StoredDeadLetter
	bodies [][]byte
	sizes  []int // -1 for a missing part
}

// add adds an entry, and returns the dead letter if the entry completes it.
func (j *joiner) add(seq uint64, subject string, h nats.Header, body []byte, size int) *event.StoredDeadLetter {
	d := decodeDead(subject, h, body)
	i, n := parsePart(headerValue(h, headerPart))
	id := headerValue(h, nats.MsgIdHdr)
	if n == 1 {
		return &event.StoredDeadLetter{DeadLetter: d, Key: deadKey(&d, id), Entries: []uint64{seq}, Size: size}
	}
	id = strings.TrimSuffix(id, partSuffix(i)) // the same for all parts
	key := deadKey(&d, id)
	id += "/" + strconv.Itoa(n)
	t := j.open[id]
	if t == nil {
		t = &incomplete{letter: event.StoredDeadLetter{DeadLetter: d, Key: key}, bodies: make([][]byte, n), sizes: slices.Repeat([]int{-1}, n)}
		if j.open == nil {
			j.open = map[string]*incomplete{}
		}
		j.open[id] = t
	}
	// A part that is stored twice has the same bytes: an interrupted
	// StoreDeadLetter was repeated after the de-duplication window.
	t.letter.Entries = append(t.letter.Entries, seq)
	t.bodies[i], t.sizes[i] = body, size
	if slices.Contains(t.sizes, -1) {
		return nil
	}
	delete(j.open, id)
	return t.whole()
}

func (t *incomplete) whole() *event.StoredDeadLetter {
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

// rest returns the incomplete dead letters, the oldest first.
func (j *joiner) rest() []*event.StoredDeadLetter {
	var list []*event.StoredDeadLetter
	for _, t := range j.open {
		list = append(list, t.whole())
	}
	slices.SortFunc(list, func(a, b *event.StoredDeadLetter) int { return slices.Compare(a.Entries, b.Entries) })
	return list
}

// partSuffix is the end of the de-duplication id of part i, counted from 0.
func partSuffix(i int) string { return ":" + strconv.Itoa(i+1) }

// parsePart parses "2/3" as index 1 of 3 parts, and any other text as index 0 of 1
// part.
func parsePart(s string) (i, n int) {
	first, second, _ := strings.Cut(s, "/")
	i, errI := strconv.Atoi(first)
	n, errN := strconv.Atoi(second)
	if errI != nil || errN != nil || n < 2 || i < 1 || i > n {
		return 0, 1
	}
	return i - 1, n
}
