package stream

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/cioevents/cioevents/internal/event"
)

// AckWait is how long an attempt may be silent before the message is handed to
// another worker: after a crash, this long. Workers extend it while they work.
const AckWait = 30 * time.Second

// maxAckPending must be at least workers × loops × batch, else pulls cannot
// fill and each waits out its time (a fiftieth of the throughput was measured).
// It holds 5 workers with a batch of 100,000 each. It costs nothing by itself: the
// server keeps some 100 bytes for a message that is out.
const maxAckPending = 500_000

// pollWait is how long an idle fetch waits before it asks again, unless its limits
// say otherwise.
const pollWait = 5 * time.Second

// A Consumer hands out the messages of one durable consumer, shared with every
// other process that opens it by the same name.
type Consumer struct {
	name     string
	nc       *nats.Conn
	consumer jetstream.Consumer
	// revive makes the durable consumer anew if it is gone; nil for a replay, which
	// ends when it is.
	revive func(context.Context) error
}

// OpenConsumer creates the durable consumer, or brings its subjects up to date.
// It also reads the redrives for its name.
func (c *Conn) OpenConsumer(ctx context.Context, name string, subjects []string) (*Consumer, error) {
	cfg := consumerConfig(name, filters(subjects, redrivePrefix+name+".>"))
	cons, err := c.js.CreateOrUpdateConsumer(ctx, Name, cfg)
	if err != nil {
		return nil, fmt.Errorf("open consumer %s: %w", name, err)
	}
	return &Consumer{name: name, nc: c.nc, consumer: cons, revive: func(ctx context.Context) error { return c.revive(ctx, cfg) }}, nil
}

// filters are the subjects that the server looks for. For every event they are none,
// and the consumer passes over the few redrives that are for others: with two
// filters the server needs a fifth more time for each message.
func filters(subjects []string, more ...string) []string {
	if slices.Equal(subjects, []string{AllEvents}) {
		return nil
	}
	return slices.Concat(subjects, more)
}

// isOurs reports whether a message is no redrive for another consumer.
func (c *Consumer) isOurs(subject string) bool {
	rest, redriven := strings.CutPrefix(subject, redrivePrefix)
	return !redriven || strings.HasPrefix(rest, c.name+".")
}

// revive creates a consumer that somebody has deleted. Without it the worker would
// wait in vain until its next start, which does the same.
func (c *Conn) revive(ctx context.Context, cfg jetstream.ConsumerConfig) error {
	_, err := c.js.Consumer(ctx, Name, cfg.Durable)
	if !errors.Is(err, jetstream.ErrConsumerNotFound) {
		return err
	}
	if _, err = c.js.CreateConsumer(ctx, Name, cfg); err == nil {
		c.log.Warn().Str("consumer", cfg.Durable).Msg("the consumer was deleted and is made anew: it begins with the oldest event")
	}
	return err
}

// isGone reports whether nobody serves the consumer: it is deleted, or has no leader
// for now.
func isGone(err error) bool {
	return errors.Is(err, jetstream.ErrConsumerDeleted) || errors.Is(err, nats.ErrNoResponders)
}

func consumerConfig(name string, subjects []string) jetstream.ConsumerConfig {
	return jetstream.ConsumerConfig{
		Durable:        name,
		Description:    "cioevents worker, consumer " + name,
		FilterSubjects: subjects,
		DeliverPolicy:  jetstream.DeliverAllPolicy,
		AckPolicy:      jetstream.AckExplicitPolicy,
		AckWait:        AckWait,
		MaxAckPending:  maxAckPending,
		// JetStream drops a message silently when its deliveries run out. The
		// worker counts for itself, and writes a dead letter.
		MaxDeliver: -1,
	}
}

// Fetch waits for a message and returns it with those that come within the
// limits. It returns none, and no error, when none has come for a while, and
// the context's error when that ends first.
//
// It asks twice, once for the first message and once for the rest: a single
// request with a long wait would hold a lone message back until the wait ends,
// and one with a short wait would poll.
func (c *Consumer) Fetch(ctx context.Context, l event.Limits) ([]event.Attempt, error) {
	first, cancel := context.WithTimeout(ctx, cmp.Or(l.Wait, pollWait))
	defer cancel()
	attempts, err := c.pull(nil, 1, jetstream.FetchContext(first))
	if isGone(err) && c.revive != nil {
		err = errors.Join(err, c.revive(ctx))
	}
	if err != nil {
		return nil, fmt.Errorf("fetch from consumer %s: %w", c.name, err)
	}
	if len(attempts) == 0 || l.Messages == 1 {
		return attempts, ctx.Err()
	}
	rest := []jetstream.FetchOpt{jetstream.FetchMaxWait(max(l.Linger, minLinger))}
	if l.Bytes > 0 {
		rest = append(rest, jetstream.FetchMaxBytes(l.Bytes))
	}
	// An error here is met again by the next call; the first message is there
	// and must be settled. The context does not end this pull: what the server
	// has sent already would be missing until AckWait is over.
	attempts, _ = c.pull(attempts, l.Messages-1, rest...)
	return attempts, nil
}

// minLinger is the shortest wait that a pull can ask for in practice.
const minLinger = 5 * time.Millisecond

// pull appends up to n messages to attempts. A context among the options that ends
// takes the request back from the server: what it would bring nobody would handle
// until AckWait is over.
func (c *Consumer) pull(attempts []event.Attempt, n int, opts ...jetstream.FetchOpt) ([]event.Attempt, error) {
	batch, err := c.consumer.Fetch(n, opts...)
	if err != nil {
		return attempts, err
	}
	for msg := range batch.Messages() {
		if a := newAttempt(c.nc, msg); c.isOurs(a.Subject) {
			attempts = append(attempts, a)
		} else {
			_ = a.Settle.Ack() // one that is lost comes again
		}
	}
	return attempts, notable(batch.Error())
}

// notable drops the errors that only say that no message came.
func notable(err error) error {
	if errors.Is(err, nats.ErrTimeout) || errors.Is(err, jetstream.ErrNoMessages) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}
