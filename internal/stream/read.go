package stream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/cioevents/cioevents/internal/event"
)

// A Selection says which part of a stream to read.
type Selection struct {
	// Since is the earliest time of storing, zero for the beginning.
	Since time.Time
	// NewOnly leaves out what is stored already. It wins over Since.
	NewOnly bool
	// Follow goes on at the end and waits for more, until the context ends.
	Follow bool
}

// TailEvents calls fn for each selected event in the stream's order, until fn
// returns false. It changes nothing: the consumers do not notice.
func (c *Conn) TailEvents(ctx context.Context, s Selection, fn func(event.Attempt) bool) error {
	return c.read(ctx, Name, orderedConfig(s), s.Follow, func(msg jetstream.Msg) bool { return fn(newAttempt(c.nc, msg)) })
}

// TailDeadLetters is TailEvents for the dead letters. A large one comes in its parts;
// ListDeadLetters puts them together.
func (c *Conn) TailDeadLetters(ctx context.Context, s Selection, fn func(event.DeadLetter) bool) error {
	return c.read(ctx, DeadName, orderedConfig(s), s.Follow, func(msg jetstream.Msg) bool {
		return fn(decodeDead(msg.Subject(), msg.Headers(), msg.Data()))
	})
}

func (c *Conn) read(ctx context.Context, stream string, cfg jetstream.OrderedConsumerConfig, follow bool, fn func(jetstream.Msg) bool) error {
	cons, err := c.js.OrderedConsumer(ctx, stream, cfg)
	if err != nil {
		return fmt.Errorf("read stream %s: %w", stream, err)
	}
	if cons.CachedInfo().NumPending == 0 && !follow {
		return nil
	}
	msgs, err := cons.Messages()
	if err != nil {
		return fmt.Errorf("read stream %s: %w", stream, err)
	}
	stop := context.AfterFunc(ctx, msgs.Stop)
	defer stop()
	defer msgs.Stop()
	for {
		msg, err := msgs.Next()
		if errors.Is(err, jetstream.ErrMsgIteratorClosed) {
			return ctx.Err()
		}
		if err != nil {
			return fmt.Errorf("read stream %s: %w", stream, err)
		}
		if !fn(msg) {
			return nil
		}
		if meta, err := msg.Metadata(); err == nil && meta.NumPending == 0 && !follow {
			return nil
		}
	}
}

func orderedConfig(s Selection) jetstream.OrderedConsumerConfig {
	cfg := jetstream.OrderedConsumerConfig{DeliverPolicy: jetstream.DeliverAllPolicy}
	switch {
	case s.NewOnly:
		cfg.DeliverPolicy = jetstream.DeliverNewPolicy
	case !s.Since.IsZero():
		cfg.DeliverPolicy = jetstream.DeliverByStartTimePolicy
		cfg.OptStartTime = &s.Since
	}
	return cfg
}
