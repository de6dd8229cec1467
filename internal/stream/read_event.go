package stream

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/cioevents/cioevents/internal/event"
)

// ErrNoEvent reports that the stream has no message with a sequence.
var ErrNoEvent = errors.New("no such event")

// ReadEvent returns the message with the sequence. Nobody settles the attempt. The error
// is ErrNoEvent for a sequence that is not stored.
func (c *Conn) ReadEvent(ctx context.Context, sequence uint64) (*event.Attempt, error) {
	st, err := c.lookUp(ctx, Name)
	if err != nil {
		return nil, err
	}
	msg, err := st.GetMsg(ctx, sequence)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		err = ErrNoEvent
	}
	if err != nil {
		return nil, fmt.Errorf("read event %d: %w", sequence, err)
	}
	m := decode(msg.Subject, msg.Header, msg.Data)
	a := event.Attempt{Stored: &event.Stored{Message: m, Subject: msg.Subject, StoredAt: msg.Time}, Sequence: msg.Sequence}
	complete(&a)
	return &a, nil
}

// ReadRecent calls fn for the events with the subjects among the last messages of the
// stream, in the order of the stream, until fn returns false. No subjects are all
// messages.
func (c *Conn) ReadRecent(ctx context.Context, subjects []string, messages uint64, fn func(event.Attempt) bool) error {
	st, err := c.lookUp(ctx, Name)
	if err != nil {
		return err
	}
	last := st.CachedInfo().State.LastSeq
	cfg := orderedConfig(Selection{Subjects: subjects})
	if last > messages {
		cfg.DeliverPolicy, cfg.OptStartSeq = jetstream.DeliverByStartSequencePolicy, last-messages+1
	}
	return c.read(ctx, Name, cfg, false, func(msg jetstream.Msg) bool {
		a := newAttempt(c.nc, msg)
		return a.Sequence <= last && fn(a)
	})
}
