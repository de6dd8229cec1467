package stream

import (
	"context"
	"errors"
	"fmt"
	"strconv"

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
	return deadPrefix + token(s.From) + "." + token(s.Reason)
}

// StoreDeadLetter stores a dead letter and returns when it is durable. A body that is
// larger than one message is stored in parts, so that nothing of it is lost.
func (p *Publisher) StoreDeadLetter(ctx context.Context, d *event.DeadLetter) error {
	subject := deadSubject(d.From, d.Reason)
	header := deadHeader(d)
	size := p.MaxBody()
	parts := max(1, (len(d.Body)+size-1)/size)
	for i := range parts {
		if parts > 1 {
			header[headerPart] = []string{fmt.Sprintf("%d/%d", i+1, parts)}
			header[nats.MsgIdHdr] = []string{fmt.Sprintf("%s:%d", deadID(d), i+1)}
		}
		msg := &nats.Msg{Subject: subject, Header: header, Data: d.Body[i*size : min((i+1)*size, len(d.Body))]}
		if _, err := p.publish(ctx, msg, DeadName); err != nil {
			return fmt.Errorf("store dead letter: %w", err)
		}
	}
	return nil
}

// headerSize is the body's size in a message that comes without its body.
const headerSize = "Nats-Msg-Size"

// ListDeadLetters calls fn for each selected dead letter that is there at the start of
// the call, without its body, until fn returns false. Parts of one body are one
// dead letter; those that lack some come last.
func (c *Conn) ListDeadLetters(ctx context.Context, s DeadSelection, fn func(*event.StoredDeadLetter) bool) error {
	st, err := c.lookUp(ctx, DeadName)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil
	}
	if err != nil {
		return err
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
	st, err := c.lookUp(ctx, DeadName)
	if err != nil {
		return nil, err
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
	st, err := c.lookUp(ctx, DeadName)
	if err != nil {
		return err
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
