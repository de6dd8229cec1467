package stream

import (
	"context"
	"errors"
	"fmt"
	"slices"
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
// It holds 5 workers with two batches of 10,000 each.
const maxAckPending = 100_000

// pollWait is how long an idle fetch waits before it asks again.
const pollWait = 5 * time.Second

// A Consumer hands out the messages of one durable consumer, shared with every
// other process that opens it by the same name.
type Consumer struct {
	name     string
	consumer jetstream.Consumer
}

// OpenConsumer creates the durable consumer, or brings its subjects up to date.
// It also reads the subjects of redrives for its name.
func (c *Conn) OpenConsumer(ctx context.Context, name string, subjects []string) (*Consumer, error) {
	cfg := consumerConfig(name, slices.Concat(subjects, []string{redrivePrefix + name + ".>"}))
	cons, err := c.js.CreateOrUpdateConsumer(ctx, Name, cfg)
	if err != nil {
		return nil, fmt.Errorf("open consumer %s: %w", name, err)
	}
	return &Consumer{name: name, consumer: cons}, nil
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
	attempts, err := c.pull(ctx.Done(), nil, 1, jetstream.FetchMaxWait(pollWait))
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
	attempts, _ = c.pull(nil, attempts, l.Messages-1, rest...)
	return attempts, nil
}

// minLinger is the shortest wait that a pull can ask for in practice.
const minLinger = 5 * time.Millisecond

// pull appends up to n messages to attempts.
func (c *Consumer) pull(done <-chan struct{}, attempts []event.Attempt, n int, opts ...jetstream.FetchOpt) ([]event.Attempt, error) {
	batch, err := c.consumer.Fetch(n, opts...)
	if err != nil {
		return attempts, err
	}
	for {
		select {
		case msg, ok := <-batch.Messages():
			if !ok {
				return attempts, notable(batch.Error())
			}
			attempts = append(attempts, newAttempt(msg))
		case <-done:
			return attempts, nil
		}
	}
}

// notable drops the errors that only say that no message came.
func notable(err error) error {
	if errors.Is(err, nats.ErrTimeout) || errors.Is(err, jetstream.ErrNoMessages) {
		return nil
	}
	return err
}
