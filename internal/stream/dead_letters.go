package stream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/cioevents/cioevents/internal/event"
)

// A DeadSelection says which dead letters are meant, by their subject.
type DeadSelection struct {
	// From is event.FromIngest or a consumer, Reason a fault.Reason; "" means any.
	From, Reason string
}

func (s DeadSelection) subject() string {
	return deadPrefix + anyOr(s.From) + "." + anyOr(s.Reason)
}

func anyOr(token string) string {
	if token == "" {
		return "*"
	}
	var b strings.Builder
	appendToken(&b, token)
	return b.String()
}

// headerSize is the body's size in a message that comes without its body.
const headerSize = "Nats-Msg-Size"

// ListDeadLetters calls fn for each selected dead letter that is there at the start of
// the call, without its body, until fn returns false. Parts of one body are one
// dead letter; those that lack some come last.
func (c *Conn) ListDeadLetters(ctx context.Context, s DeadSelection, fn func(*event.StoredDeadLetter) bool) error {
	st, err := c.js.Stream(ctx, DeadName)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look up stream %s: %w", DeadName, err)
	}
	// What is redriven may die again while this goes on, for ever.
	end := st.CachedInfo().State.LastSeq
	cfg := jetstream.OrderedConsumerConfig{FilterSubjects: []string{s.subject()}, DeliverPolicy: jetstream.DeliverAllPolicy, HeadersOnly: true}
	var parts partial
	stopped := false
	err = c.read(ctx, DeadName, cfg, false, func(msg jetstream.Msg) bool {
		meta, err := msg.Metadata()
		if err != nil || meta.Sequence.Stream > end {
			return false
		}
		size, _ := strconv.Atoi(msg.Headers().Get(headerSize))
		if b := parts.add(meta.Sequence.Stream, msg.Subject(), msg.Headers(), nil, size); b != nil {
			stopped = !fn(b)
		}
		return !stopped && meta.Sequence.Stream < end
	})
	if err != nil || stopped {
		return err
	}
	for _, b := range parts.rest() {
		if !fn(b) {
			return nil
		}
	}
	return nil
}

// ReadDeadLetter returns the dead letter with these entries, its body included. The
// error is event.ErrNoDeadLetter when all of them are gone.
func (c *Conn) ReadDeadLetter(ctx context.Context, entries []uint64) (*event.StoredDeadLetter, error) {
	st, err := c.js.Stream(ctx, DeadName)
	if err != nil {
		return nil, fmt.Errorf("look up stream %s: %w", DeadName, err)
	}
	var parts partial
	var whole *event.StoredDeadLetter
	for _, seq := range entries {
		msg, err := st.GetMsg(ctx, seq)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read dead letter %d: %w", seq, err)
		}
		if b := parts.add(seq, msg.Subject, msg.Header, msg.Data, len(msg.Data)); b != nil {
			whole = b
		}
	}
	if whole == nil {
		if rest := parts.rest(); len(rest) > 0 {
			whole = rest[0]
		}
	}
	if whole == nil {
		return nil, event.ErrNoDeadLetter
	}
	whole.Entries = entries
	return whole, nil
}

// DeleteDeadLetter deletes the entries of a dead letter. It is no error that they are
// gone already.
func (c *Conn) DeleteDeadLetter(ctx context.Context, entries []uint64) error {
	st, err := c.js.Stream(ctx, DeadName)
	if err != nil {
		return fmt.Errorf("look up stream %s: %w", DeadName, err)
	}
	for _, seq := range entries {
		err := st.DeleteMsg(ctx, seq)
		if err == nil {
			continue
		}
		// The server says that nothing is there by a text only, so ask.
		if _, look := st.GetMsg(ctx, seq); !errors.Is(look, jetstream.ErrMsgNotFound) {
			return fmt.Errorf("delete dead letter %d: %w", seq, err)
		}
	}
	return nil
}

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
