package stream

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/cioevents/cioevents/internal/event"
)

// A Selection selects a part of a stream.
type Selection struct {
	// Since is the time of storing of the first message. Default zero: the beginning.
	Since time.Time
	// Subjects are the subjects of events, see Select; redriven and backfilled events match,
	// too. Default all messages.
	Subjects []string
	// NewOnly leaves out the messages that are already stored, and overrides Since.
	NewOnly bool
	// Follow waits for new messages after the last one, until the context ends.
	Follow bool
}

// TailEvents calls fn for each selected event in the order of the stream, until fn
// returns false. TailEvents does not change the position of any consumer.
func (c *Conn) TailEvents(ctx context.Context, s Selection, fn func(event.Attempt) bool) error {
	return c.read(ctx, Name, orderedConfig(s), s.Follow, func(msg jetstream.Msg) bool { return fn(newAttempt(c.nc, msg)) })
}

// TailDeadLetters is TailEvents for dead letters. A large dead letter comes in parts;
// ListDeadLetters joins the parts. Entries has the sequence number of the part.
func (c *Conn) TailDeadLetters(ctx context.Context, s Selection, fn func(event.StoredDeadLetter) bool) error {
	return c.read(ctx, DeadName, orderedConfig(s), s.Follow, func(msg jetstream.Msg) bool {
		meta, err := msg.Metadata()
		if err != nil { // never: the message is from a stream
			return false
		}
		d := decodeDead(msg.Subject(), msg.Headers(), msg.Data())
		return fn(event.StoredDeadLetter{DeadLetter: d, Entries: []uint64{meta.Sequence.Stream}, Size: len(d.Body)})
	})
}

// read calls fn for each message of a stream until fn returns false. Without follow, read
// ends after the last message.
func (c *Conn) read(ctx context.Context, stream string, cfg jetstream.OrderedConsumerConfig, follow bool, fn func(jetstream.Msg) bool, opts ...jetstream.PullMessagesOpt) error {
	st, err := c.lookUp(ctx, stream)
	if err != nil {
		return fmt.Errorf("read stream %s: %w", stream, err)
	}
	cons, err := c.js.OrderedConsumer(ctx, stream, cfg)
	if err != nil {
		return fmt.Errorf("read stream %s: %w", stream, err)
	}
	if cons.CachedInfo().NumPending == 0 && !follow {
		if complete, err := isComplete(ctx, st, cfg, max(cfg.OptStartSeq, 1)-1); err != nil || complete {
			return err
		}
	}
	msgs, err := cons.Messages(opts...)
	if err != nil {
		return fmt.Errorf("read stream %s: %w", stream, err)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	var watching sync.WaitGroup
	defer watching.Wait()
	defer cancel(nil)
	watching.Go(func() { c.watchStream(ctx, stream, cancel) })
	stop := context.AfterFunc(ctx, msgs.Stop)
	defer stop()
	defer msgs.Stop()
	for {
		msg, err := msgs.Next()
		if errors.Is(err, jetstream.ErrMsgIteratorClosed) {
			return context.Cause(ctx)
		}
		if err != nil {
			return fmt.Errorf("read stream %s: %w", stream, err)
		}
		if !fn(msg) {
			return nil
		}
		if meta, err := msg.Metadata(); err == nil && meta.NumPending == 0 && !follow {
			if complete, err := isComplete(ctx, st, cfg, meta.Sequence.Stream); err != nil || complete {
				return err
			}
		}
	}
}

// isComplete reports whether no message of a consumer follows a sequence, of those that the
// stream had when st was looked up. In a cluster a consumer reads from one server, which may
// lack the last messages; the leader of the stream has all of them.
func isComplete(ctx context.Context, st jetstream.Stream, cfg jetstream.OrderedConsumerConfig, after uint64) (bool, error) {
	info := st.CachedInfo()
	startsByTime := cfg.DeliverPolicy == jetstream.DeliverByStartTimePolicy // a tail, from an unknown sequence on
	if info.Config.Replicas < 2 || startsByTime || cfg.DeliverPolicy == jetstream.DeliverNewPolicy || after >= info.State.LastSeq {
		return true, nil
	}
	subjects := cfg.FilterSubjects
	if len(subjects) == 0 {
		subjects = []string{">"}
	}
	for _, subject := range subjects {
		next, err := st.GetMsg(ctx, after+1, jetstream.WithGetMsgSubject(subject))
		if err == nil && next.Sequence <= info.State.LastSeq {
			return false, nil
		}
		if err != nil && !errors.Is(err, jetstream.ErrMsgNotFound) {
			return false, err
		}
	}
	return true, nil
}

func orderedConfig(s Selection) jetstream.OrderedConsumerConfig {
	cfg := jetstream.OrderedConsumerConfig{DeliverPolicy: jetstream.DeliverAllPolicy}
	for _, subject := range s.Subjects {
		words := strings.TrimPrefix(subject, eventsPrefix)
		cfg.FilterSubjects = append(cfg.FilterSubjects, subject, backfillPrefix+words, redrivePrefix+"*."+words)
	}
	switch {
	case s.NewOnly:
		cfg.DeliverPolicy = jetstream.DeliverNewPolicy
	case !s.Since.IsZero():
		cfg.DeliverPolicy = jetstream.DeliverByStartTimePolicy
		cfg.OptStartTime = &s.Since
	}
	return cfg
}
