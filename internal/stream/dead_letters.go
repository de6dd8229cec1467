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

// A DeadSelection selects dead letters by their subject.
type DeadSelection struct {
	// From is event.FromIngest or the name of a consumer. Reason is a fault.Reason.
	// Default "" for any.
	From, Reason string
}

func (s DeadSelection) subject() string {
	return deadPrefix + token(s.From) + "." + token(s.Reason)
}

// StoreDeadLetter stores a dead letter and returns when the dead letter is durable.
// A body that is larger than MaxBody is stored in parts, without loss.
func (p *Publisher) StoreDeadLetter(ctx context.Context, d *event.DeadLetter) error {
	subject := deadSubject(d.From, d.Reason)
	header := deadHeader(d)
	id := headerValue(header, nats.MsgIdHdr)
	size := p.MaxBody()
	parts := max(1, (len(d.Body)+size-1)/size)
	for i := range parts {
		if parts > 1 {
			header[headerPart] = []string{fmt.Sprintf("%d/%d", i+1, parts)}
			header[nats.MsgIdHdr] = []string{id + partSuffix(i)}
		}
		msg := &nats.Msg{Subject: subject, Header: header, Data: d.Body[i*size : min((i+1)*size, len(d.Body))]}
		if _, err := p.publish(ctx, msg, DeadName); err != nil {
			return fmt.Errorf("store dead letter: %w", err)
		}
	}
	return nil
}

// headerSize is the header in which the server tells the size of a body that a
// consumer with HeadersOnly leaves out.
const headerSize = "Nats-Msg-Size"

// ListDeadLetters calls fn for each selected dead letter, without its body, until fn
// returns false. Dead letters that are stored after the start of the call are not
// listed. A body in parts counts as a single dead letter; dead letters with missing
// parts are last. The error is ErrNoDeadStream when the stream is missing.
func (c *Conn) ListDeadLetters(ctx context.Context, s DeadSelection, fn func(*event.StoredDeadLetter) bool) error {
	cfg := jetstream.OrderedConsumerConfig{FilterSubjects: []string{s.subject()}, DeliverPolicy: jetstream.DeliverAllPolicy, HeadersOnly: true}
	return c.listDead(ctx, cfg, fn)
}

// listDead is ListDeadLetters for a configuration, with bodies unless cfg has HeadersOnly.
func (c *Conn) listDead(ctx context.Context, cfg jetstream.OrderedConsumerConfig, fn func(*event.StoredDeadLetter) bool) error {
	st, err := c.lookUpDead(ctx)
	if err != nil {
		return err
	}
	// A redriven message may fail again during the list: without an end, a redrive
	// of the listed dead letters could run for ever.
	end := st.CachedInfo().State.LastSeq
	var parts joiner
	stopped := false
	err = c.read(ctx, DeadName, cfg, false, func(msg jetstream.Msg) bool {
		meta, err := msg.Metadata()
		if err != nil || meta.Sequence.Stream > end {
			return false
		}
		if b := parts.add(meta.Sequence.Stream, msg.Subject(), msg.Headers(), bodyOf(msg, cfg.HeadersOnly), sizeOf(msg)); b != nil {
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

// bodyOf returns the body of a message, nil if the consumer leaves the body out.
func bodyOf(msg jetstream.Msg, headersOnly bool) []byte {
	if headersOnly {
		return nil
	}
	return msg.Data()
}

// sizeOf returns the size of the body of a message, also when the consumer leaves the body
// out.
func sizeOf(msg jetstream.Msg) int {
	if size, err := strconv.Atoi(msg.Headers().Get(headerSize)); err == nil {
		return size
	}
	return len(msg.Data())
}

// ReadDeadLetter returns the dead letter with these entries, with its body. The
// error is event.ErrNoDeadLetter when no entry is stored any more.
func (c *Conn) ReadDeadLetter(ctx context.Context, entries []uint64) (*event.StoredDeadLetter, error) {
	st, err := c.lookUpDead(ctx)
	if err != nil {
		return nil, err
	}
	var parts joiner
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
	if rest := parts.rest(); whole == nil && len(rest) > 0 {
		whole = rest[0]
	}
	if whole == nil {
		return nil, event.ErrNoDeadLetter
	}
	whole.Entries = entries
	return whole, nil
}

// DeleteDeadLetter deletes the entries of a dead letter. Deleting a deleted entry is
// no error.
//
// The server overwrites the bytes of a deleted entry: a dead letter holds personal
// data. A plain deletion only marks the entry, and leaves its bytes in the file. In
// return the server writes the whole file of up to 8 MB again for each entry, which
// takes some 16 ms.
func (c *Conn) DeleteDeadLetter(ctx context.Context, entries []uint64) error {
	st, err := c.lookUpDead(ctx)
	if err != nil {
		return err
	}
	if st.CachedInfo().Config.DenyDelete {
		return errors.New(denyDelete(DeadName))
	}
	for _, seq := range entries {
		if err := secureDelete(ctx, st, seq); err != nil {
			return fmt.Errorf("delete dead letter: %w", err)
		}
	}
	return nil
}
