// Package worker processes the messages of the stream's consumers for the worker
// program. A handler applies the effect of each message to profiles or to a warehouse.
// The consumer then settles the message: the message is acknowledged after its effect
// is durable, retried, or dead-lettered.
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
	// Fetch waits for a message and returns the messages that arrive within the
	// limits. When no message arrives for a while, Fetch returns no message and no
	// error. Several loops call Fetch concurrently. After an error the caller waits a
	// second.
	Fetch(ctx context.Context, l event.Limits) ([]event.Attempt, error)
}

// DeadLetters stores dead letters.
type DeadLetters interface {
	// StoreDeadLetter returns when d is durable. After an error the message is
	// retried.
	StoreDeadLetter(ctx context.Context, d *event.DeadLetter) error
}

// A Handler applies the effects of one consumer's messages.
type Handler interface {
	// Handle applies the effects of a batch and returns when the effects are durable.
	// Handle calls fail for each message that could not be handled. The class of the
	// error (see package fault) decides whether the message is retried or
	// dead-lettered. All other messages are acknowledged.
	//
	// A returned error is about the whole batch, and all calls of fail are ignored.
	// The batch is handled again after a pause, until it succeeds or the worker stops.
	// The repetition does not count as an attempt.
	//
	// Several loops call Handle concurrently. Handle may call fail concurrently, once
	// per message at most.
	Handle(ctx context.Context, batch []event.Attempt, fail func(i int, err error)) error
}

// A stager is a Handler that can make the effects of several batches durable at once.
type stager interface {
	Handler
	// Stage is Handle, but may return before the effects are durable. The messages without
	// an error are then acknowledged when wait has returned nil, and delivered again after
	// its error. The bodies are not needed for that. wait is nil if the effects are durable
	// already. The consumer stages full batches only: more messages are probably there.
	Stage(ctx context.Context, batch []event.Attempt, fail func(i int, err error)) (wait func(context.Context) error, err error)
}

// A Gate delays fetching while messages could not be handled. A message that is not
// fetched uses up no attempt and stays available to other workers.
type Gate interface {
	// Await returns nil when messages can probably be handled, or ctx's error.
	// Several loops call Await concurrently, before each fetch.
	Await(ctx context.Context) error
}

// DefaultMaxAttempts is the default of Config.MaxAttempts. With the waits of backoff,
// 30 attempts take about 3.5 hours.
const DefaultMaxAttempts = 30

// grace is the time that a batch may take to end after the context has ended.
const grace = 20 * time.Second

// setAside is longer than AckWait, the time that the stream waits for a crashed
// worker. After a restart other messages therefore come first.
const setAside = time.Minute

// extendEvery is a third of AckWait, so that one lost extension does no harm.
const extendEvery = 10 * time.Second

// Config configures the work on one consumer. Name, Source, Handler, DeadLetters and
// State are required.
type Config struct {
	// Name is the name of the consumer, for dead letters, logs and metrics.
	Name        string
	Source      Source
	Handler     Handler
	DeadLetters DeadLetters
	// State keeps the markers of messages past MaxAttempts.
	State State
	// Gate is awaited before each fetch. Default: no gate.
	Gate   Gate
	Limits event.Limits
	// Loops is the number of batches in work at a time, so that a loop can fetch and
	// parse a batch while another loop writes a batch. Default 1.
	Loops int
	// MaxHeld is the largest number of messages whose effects are not durable yet while the
	// loops go on: a part of the stream's MaxAckPending. Default 0: the loops wait.
	MaxHeld int
	// MaxAttempts is the number of attempts after which a message is dead-lettered.
	// Outages and errors that name a wait do not dead-letter. A message whose attempts
	// did not return (restarts in an outage, or a message that ends the process) gets
	// at least one more attempt. Default 30.
	MaxAttempts int
	// SetAside is the wait of a message past MaxAttempts for other messages to go
	// first: longer than the stream's AckWait. Default 1 minute.
	SetAside time.Duration
	// ExtendEvery is the time between two extensions of the acknowledgement deadline
	// of a batch in work: a third of the stream's AckWait. Default 10 s.
	ExtendEvery time.Duration
	// Metrics are the instruments. Default: unregistered instruments.
	Metrics *Metrics
	Log     zerolog.Logger
	// Tracer starts spans for batches, and for messages whose webhook call was
	// sampled. Default: no spans.
	Tracer trace.Tracer
}

// A Consumer handles the messages of one durable consumer of the stream.
type Consumer struct {
	cfg Config
	// handler is cfg.Handler, wrapped in traced if cfg has a Tracer.
	handler Handler
	metrics consumerMetrics
	started time.Time
	// lastBatchSucceeded reports whether a message of the last batch was handled
	// successfully.
	lastBatchSucceeded atomic.Bool
	// hasResult reports whether lastBatchSucceeded has been set since the start.
	hasResult atomic.Bool
	held      sync.WaitGroup // of hold
	holding   atomic.Int64   // messages
	// acknowledging lets one batch at a time acknowledge its messages: the batches of a group
	// would else fight for the connection.
	acknowledging sync.Mutex
}

// New checks cfg and returns a consumer that Run starts.
func New(cfg Config) (*Consumer, error) {
	if cfg.Name == "" || cfg.Source == nil || cfg.Handler == nil || cfg.DeadLetters == nil || cfg.State == nil {
		return nil, errors.New("consumer config lacks a name, a source, a handler, dead letters or a state")
	}
	cfg.Loops = cmp.Or(cfg.Loops, 1)
	cfg.MaxAttempts = cmp.Or(cfg.MaxAttempts, DefaultMaxAttempts)
	cfg.SetAside = cmp.Or(cfg.SetAside, setAside)
	cfg.ExtendEvery = cmp.Or(cfg.ExtendEvery, extendEvery)
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

// Run fetches and handles batches until ctx ends. After ctx has ended, Run finishes
// the batches in work, and releases every batch that is unfinished after grace.
func (c *Consumer) Run(ctx context.Context) {
	c.started = time.Now()
	work, stop := graceful(ctx)
	defer stop()
	var loops sync.WaitGroup
	for range c.cfg.Loops {
		loops.Go(func() { c.loop(ctx, work) })
	}
	loops.Wait()
	c.held.Wait()
}

// loop fetches batches until ctx ends. The context work is for handling the batches.
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
			if lastError != err.Error() { // an outage is logged once, not every second
				lastError = err.Error()
				c.cfg.Log.Warn().Err(err).Msg("fetch failed, retrying")
			}
			pause(ctx, time.Second)
		}
	}
}

// await waits for the gate. await returns false when ctx has ended.
func (c *Consumer) await(ctx context.Context) bool {
	return ctx.Err() == nil && (c.cfg.Gate == nil || c.cfg.Gate.Await(ctx) == nil)
}

// limits returns the limits of the next fetch: one message until a batch has succeeded
// (or, at the start, the gate has opened). Each restart during an outage uses up an
// attempt of every fetched message.
func (c *Consumer) limits() event.Limits {
	if c.lastBatchSucceeded.Load() || c.cfg.Gate != nil && !c.hasResult.Load() {
		return c.cfg.Limits
	}
	return event.Limits{Messages: 1}
}

// graceful returns a context that ends grace after ctx.
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

// pause waits for d, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// backoff is the wait after attempt n: 1 s, doubled with each attempt up to 10 minutes.
// A random quarter more or less keeps messages that failed together from returning
// together.
func backoff(n int) time.Duration {
	const longest = 10 * time.Minute
	wait := longest
	if n < 11 {
		wait = min(time.Second<<max(n-1, 0), longest)
	}
	return wait*3/4 + rand.N(wait/2)
}
