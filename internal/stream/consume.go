package stream

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/cioevents/cioevents/internal/event"
)

// AckWait is the time after which the server gives an unsettled message to another
// worker, for example after a crash. Workers extend the time while they work.
const AckWait = 30 * time.Second

// DefaultMaxAckPending is the default of MAX_ACK_PENDING. The number must be at least
// workers × loops × batch. Otherwise pulls cannot fill and each pull waits until its
// timeout (a fiftieth of the throughput was measured). The default allows 5 workers with
// a batch of 100,000 each. A large number by itself costs nothing: the server needs some
// 100 bytes per delivered, unsettled message. An account of NATS may allow less.
const DefaultMaxAckPending = 500_000

// pollWait is the default of Limits.Wait: an idle fetch returns after this time.
const pollWait = 5 * time.Second

// A Consumer fetches the messages of a durable consumer. All processes that open
// the same name share the messages.
type Consumer struct {
	name     string
	nc       *nats.Conn
	consumer jetstream.Consumer
}

// OpenConsumer creates the durable consumer, or updates the subjects of an existing
// one, whatever has become of its position: a worker uses a Durable. The consumer also
// receives the messages that are redriven to its name.
func (c *Conn) OpenConsumer(ctx context.Context, name string, subjects []string) (*Consumer, error) {
	cfg := consumerConfig(name, filters(subjects, redrivePrefix+name+".>"))
	var err error
	if cfg.Metadata, err = c.metadataOf(ctx, name); err != nil { // an update replaces all metadata
		return nil, fmt.Errorf("open consumer %s: %w", name, err)
	}
	cons, err := c.js.CreateOrUpdateConsumer(ctx, Name, cfg)
	if err != nil {
		return nil, fmt.Errorf("open consumer %s: %w", name, err)
	}
	return &Consumer{name: name, nc: c.nc, consumer: cons}, nil
}

// filters returns the filter subjects of a consumer. A consumer of all events gets no
// filter, and skips the few redriven messages for other consumers by itself: with
// two filters the server needs a fifth more time for each message.
func filters(subjects []string, more ...string) []string {
	if slices.Equal(subjects, []string{AllEvents}) {
		return nil
	}
	return slices.Concat(subjects, more)
}

// isOurs reports whether a subject belongs to this consumer: redriven messages for
// other consumers do not.
func (c *Consumer) isOurs(subject string) bool {
	rest, redriven := strings.CutPrefix(subject, redrivePrefix)
	return !redriven || strings.HasPrefix(rest, c.name+".")
}

// isGone reports whether no server answers for the consumer: somebody has deleted the
// consumer, or the consumer has no leader at the moment.
func isGone(err error) bool {
	return errors.Is(err, jetstream.ErrConsumerDeleted) || errors.Is(err, nats.ErrNoResponders)
}

// description tells the consumers of workers from those of other programs.
func description(name string) string { return "cioevents worker, consumer " + name }

func consumerConfig(name string, subjects []string) jetstream.ConsumerConfig {
	return jetstream.ConsumerConfig{
		Durable:        name,
		Description:    description(name),
		FilterSubjects: subjects,
		DeliverPolicy:  jetstream.DeliverAllPolicy,
		AckPolicy:      jetstream.AckExplicitPolicy,
		AckWait:        AckWait,
		MaxAckPending:  DefaultMaxAckPending,
		// JetStream drops a message silently after MaxDeliver deliveries. Instead,
		// the worker counts the attempts and stores a dead letter.
		MaxDeliver: -1,
	}
}

// Fetch waits for a message, and returns the message and all others that arrive
// within the limits. Fetch returns nothing and no error after l.Wait without a
// message, and the error of the context when the context ends first.
//
// Fetch sends two requests, for the first message and for the rest. A single
// request with a long wait would delay a lone message until the wait ends, and a
// single request with a short wait would poll.
func (c *Consumer) Fetch(ctx context.Context, l event.Limits) ([]event.Attempt, error) {
	first := expiring{ctx, cmp.Or(l.Wait, pollWait)}
	attempts, err := c.pull(nil, 1, jetstream.FetchContext(first)) //nolint:contextcheck // first embeds ctx
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
	// The next call meets the same error again; the first message is fetched and
	// must be settled. The context does not end this pull: messages that the server
	// has already sent would be unavailable until AckWait is over.
	attempts, _ = c.pull(attempts, l.Messages-1, rest...)
	return attempts, nil
}

// An expiring context carries to jetstream.FetchContext the time after which the server ends
// a request, less a tenth. The deadline of a usual context would also end the wait of the
// client, a tenth later: a message that the server sends late, or that the client receives
// late, would be lost until AckWait is over. Without a deadline of the context, Fetch waits
// for the server's word, and for a second more at most.
type expiring struct {
	context.Context
	wait time.Duration
}

func (e expiring) Deadline() (time.Time, bool) { return time.Now().Add(e.wait), true }

// minLinger is the shortest practical wait of a pull.
const minLinger = 5 * time.Millisecond

// pull appends up to n messages to attempts. The end of a context among the options
// cancels the request on the server. Otherwise the server would still deliver to
// the request, and nobody would handle the messages until AckWait is over.
func (c *Consumer) pull(attempts []event.Attempt, n int, opts ...jetstream.FetchOpt) ([]event.Attempt, error) {
	batch, err := c.consumer.Fetch(n, opts...)
	if err != nil {
		return attempts, err
	}
	from := origins{nc: c.nc}
	for msg := range batch.Messages() {
		if len(attempts) == cap(attempts) {
			attempts = slices.Grow(attempts, min(n, 1+waiting(msg)))
		}
		if a := from.attempt(msg); c.isOurs(a.Subject) {
			attempts = append(attempts, a)
		} else {
			_ = a.Settle.Ack() // after a lost ack, the server redelivers the message
		}
	}
	return attempts, notable(batch.Error())
}

// waiting returns the number of messages that the server had left to deliver after msg. An
// attempt has 300 bytes, so growing a batch step by step would cost more memory than the
// bodies of its messages.
func waiting(msg jetstream.Msg) int {
	meta, err := msg.Metadata()
	if err != nil {
		return 0
	}
	return int(min(meta.NumPending, math.MaxInt32))
}

// notable drops the errors of a pull that received no message.
func notable(err error) error {
	if errors.Is(err, nats.ErrTimeout) || errors.Is(err, jetstream.ErrNoMessages) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}
