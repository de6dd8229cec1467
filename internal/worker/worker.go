// Package worker takes messages from the stream's consumers, has them handled,
// and settles each one on purpose: acknowledged after its effect is durable,
// retried, or given up as a dead letter.
package worker

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"go.opentelemetry.io/otel/trace"

	"github.com/cioevents/cioevents/internal/event"
)

// A Source is a durable consumer of the stream.
type Source interface {
	// Fetch waits for a message and returns it with those that come within the
	// limits; none, and no error, when none has come for a while. It is called
	// by several loops at a time. After an error the caller waits a second.
	Fetch(ctx context.Context, l event.Limits) ([]event.Attempt, error)
}

// DeadLetters stores dead letters.
type DeadLetters interface {
	// StoreDeadLetter returns when d is durable. After an error the message is retried.
	StoreDeadLetter(ctx context.Context, d *event.DeadLetter) error
}

// A Handler does what one consumer is for.
type Handler interface {
	// Handle works on a batch and returns when its effects are durable. It
	// calls fail for a message that could not be handled, with an error whose
	// class says what becomes of it; the others are acknowledged.
	//
	// A returned error speaks of the whole batch, whatever fail was called for:
	// it is handled again after a pause, without counting as an attempt, until
	// it succeeds or the worker stops.
	//
	// Handle is called by several loops at a time. fail may be called
	// concurrently, once a message at the most.
	Handle(ctx context.Context, batch []event.Attempt, fail func(i int, err error)) error
}

// A Gate keeps a consumer from fetching what could not be handled now. A message
// that is never fetched costs no attempt, and is there for others.
type Gate interface {
	// Await returns when work can be done, as far as is known, or with ctx's
	// error. It is called by several loops at a time, before each fetch.
	Await(ctx context.Context) error
}

// DefaultMaxAttempts lets a message fail for about 3.5 hours at the back-off of
// backoff.
const DefaultMaxAttempts = 30

// grace is how long a batch may take to end after the context has.
const grace = 20 * time.Second

// Config configures the work on one consumer. Name, Source, Handler and
// DeadLetters are required.
type Config struct {
	// Name is the consumer's.
	Name        string
	Source      Source
	Handler     Handler
	DeadLetters DeadLetters
	// Gate is asked before each fetch; nil is always open.
	Gate   Gate
	Limits event.Limits
	// Loops is how many batches are worked on at a time, so that one is fetched
	// and prepared while another is written. Default 1.
	Loops int
	// MaxAttempts is the number of attempts after which a message becomes a
	// dead letter, if it failed for a reason of its own. Default 30.
	MaxAttempts int
	// ExtendEvery is the pause between two signs of life for a batch that is
	// being handled; a third of the stream's AckWait. Default 10 s.
	ExtendEvery time.Duration
	Metrics *Metrics
	Log     zerolog.Logger
	// Tracer makes spans of batches, and of messages whose call was sampled.
	// Default none.
	Tracer trace.Tracer
}

// A Consumer works on the messages of one durable consumer.
type Consumer struct {
	cfg Config
	// handler is cfg's, or makes spans of what that does.
	handler Handler
	metrics consumerMetrics
	started time.Time
	// lastBatchSucceeded is whether the last batch that was handled had a success in it. The
	// stream counts how often a message was handed out, and not how it ended: it
	// counts an outage and a restart like a crash. Only next to a success does a
	// high count say something about the message.
	lastBatchSucceeded atomic.Bool
	// hasResult is whether lastBatchSucceeded says anything yet.
	hasResult atomic.Bool
}

// New checks cfg and returns a consumer that Run starts.
func New(cfg Config) (*Consumer, error) {
	if cfg.Name == "" || cfg.Source == nil || cfg.Handler == nil || cfg.DeadLetters == nil {
		return nil, errors.New("a consumer needs a name, a source, a handler and a store of dead letters")
	}
	cfg.Loops = cmp.Or(cfg.Loops, 1)
	cfg.MaxAttempts = cmp.Or(cfg.MaxAttempts, DefaultMaxAttempts)
	cfg.ExtendEvery = cmp.Or(cfg.ExtendEvery, 10*time.Second)
	if cfg.Metrics == nil {
		cfg.Metrics = NewMetrics(prometheus.NewRegistry())
	}
	cfg.Log = cfg.Log.With().Str("consumer", cfg.Name).Logger()
	c := &Consumer{cfg: cfg, handler: cfg.Handler, metrics: cfg.Metrics.of(cfg.Name)}
	if cfg.Tracer != nil {
		c.handler = &traced{Handler: cfg.Handler, name: cfg.Name, tracer: cfg.Tracer}
	}
	return c, nil
}

// Run works until ctx ends and the batches in hand are done, or given back when
// grace is over.
func (c *Consumer) Run(ctx context.Context) {
	c.started = time.Now()
	work, stop := graceful(ctx)
	defer stop()
	var loops sync.WaitGroup
	for range c.cfg.Loops {
		loops.Go(func() { c.loop(ctx, work) })
	}
	loops.Wait()
}

// loop fetches until ctx ends; work is the context of what was fetched.
func (c *Consumer) loop(ctx, work context.Context) {
	lastError := ""
	for c.await(ctx) {
		batch, err := c.fetch(ctx)
		if len(batch) > 0 {
			c.process(ctx, work, batch)
		}
		switch {
		case err == nil:
			lastError = ""
		case ctx.Err() == nil:
			if lastError != err.Error() { // an outage is one line, not one a second
				lastError = err.Error()
				c.cfg.Log.Warn().Err(err).Msg("nothing can be fetched, trying again")
			}
			pause(ctx, time.Second)
		}
	}
}

// await returns true when something can be fetched, and false when ctx has ended.
func (c *Consumer) await(ctx context.Context) bool {
	return ctx.Err() == nil && (c.cfg.Gate == nil || c.cfg.Gate.Await(ctx) == nil)
}

// limits are those of the next fetch: of one message, until there was a success,
// or at the start a gate that has opened. What is fetched in an outage has an
// attempt used up at each restart.
func (c *Consumer) limits() event.Limits {
	if c.lastBatchSucceeded.Load() || c.cfg.Gate != nil && !c.hasResult.Load() {
		return c.cfg.Limits
	}
	return event.Limits{Messages: 1}
}

// graceful returns a context that ends some time after ctx.
func graceful(ctx context.Context) (context.Context, context.CancelFunc) {
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		pause(work, grace)
		cancel()
	})
	return work, func() {
		stop()
		cancel()
	}
}

// pause waits for d, or less when ctx ends.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// backoff is the wait after attempt n: 1 s, doubled each time up to 10 minutes,
// a quarter more or less so that what failed together does not return together.
func backoff(n int) time.Duration {
	const longest = 10 * time.Minute
	wait := longest
	if n < 11 {
		wait = min(time.Second<<max(n-1, 0), longest)
	}
	return wait*3/4 + rand.N(wait/2)
}
