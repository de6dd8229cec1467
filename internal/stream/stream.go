// Package stream stores events durably between ingest and worker, on NATS
// JetStream. It defines the subjects, creates the streams and the consumers,
// publishes and fetches messages, replays events, and stores dead letters.
package stream

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"
)

// Names of the streams of events and of dead letters.
const (
	Name     = "CUSTOMERIO"
	DeadName = "CUSTOMERIO_DEAD"
)

// A Conn is a connection to JetStream. A lost connection is re-established
// automatically, without a limit of tries.
type Conn struct {
	nc  *nats.Conn
	js  jetstream.JetStream
	log zerolog.Logger

	state State
	// connectErr is the error of the last try to connect, nil after a success.
	connectErr atomic.Pointer[error]
	health     *health
	refusals   refusals
}

// Connect returns immediately, even when the server is unreachable: ingest had better
// answer 503 until the connection is up than not start. The error reports a
// configuration that can never work.
func Connect(cfg Config) (*Conn, error) {
	if err := checkAddress(cfg.servers()); err != nil {
		return nil, err
	}
	opts, err := options(cfg)
	if err != nil {
		return nil, err
	}
	c := &Conn{log: cfg.Log, health: newHealth(cfg.Log)}
	c.state.conn = c
	if c.nc, err = nats.Connect(cfg.servers(), append(opts, c.handlers()...)...); err != nil {
		return nil, fmt.Errorf("connect to NATS: %w", err)
	}
	if c.js, err = jetstream.New(c.nc); err != nil {
		c.nc.Close()
		return nil, fmt.Errorf("open JetStream: %w", err)
	}
	return c, nil
}

// reasonEvery is the shortest pause between two log lines about failed tries to
// connect: while a server is unreachable, several tries fail each second.
const reasonEvery = 10 * time.Second

func (c *Conn) handlers() []nats.Option {
	reasons := c.log.Sample(&zerolog.BurstSampler{Burst: 1, Period: reasonEvery})
	connected := func(text string) nats.ConnHandler {
		return func(nc *nats.Conn) {
			c.connectErr.Store(nil)
			c.refusals.reset()
			c.log.Info().Str("server", nc.ConnectedUrlRedacted()).Msg(text)
		}
	}
	return []nats.Option{
		nats.ConnectHandler(connected("connected to NATS")),
		nats.ReconnectHandler(connected("reconnected to NATS")),
		nats.ReconnectErrHandler(func(_ *nats.Conn, err error) {
			c.connectErr.Store(&err)
			reasons.Warn().Err(err).Msg("NATS unreachable, retrying")
		}),
		nats.DisconnectErrHandler(func(nc *nats.Conn, err error) {
			if nc.IsClosed() {
				return
			}
			c.log.Warn().Err(err).Msg("NATS disconnected, reconnecting")
		}),
		nats.ErrorHandler(c.logAsync),
	}
}

// Close closes the connection. The server redelivers unsettled messages after
// AckWait.
func (c *Conn) Close() { c.nc.Close() }

var errNotConnected = errors.New("NATS is not connected")

// notConnected returns errNotConnected with the cause, if there is one.
func (c *Conn) notConnected() error {
	if err := c.connectErr.Load(); err != nil {
		return fmt.Errorf("%w: %w", errNotConnected, *err)
	}
	return errNotConnected
}

// Ready returns nil when the stream can be used now, and the cause otherwise. A stream
// with a property that breaks a promise cannot be used.
func (c *Conn) Ready(ctx context.Context) error {
	if !c.nc.IsConnected() {
		return c.notConnected()
	}
	if _, err := c.lookUp(ctx, Name); err != nil {
		return cmp.Or(c.health.whyMissing(Name), err)
	}
	return c.health.broken()
}

// lookUp returns a stream with its present state.
func (c *Conn) lookUp(ctx context.Context, name string) (jetstream.Stream, error) {
	st, err := c.js.Stream(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("look up stream %s: %w", name, err)
	}
	return st, nil
}

// WaitConnected waits until the connection is up. When ctx ends first, the error
// wraps the error of ctx and the cause of the missing connection.
func (c *Conn) WaitConnected(ctx context.Context) error {
	t := time.NewTicker(20 * time.Millisecond)
	defer t.Stop()
	for !c.nc.IsConnected() {
		select {
		case <-t.C:
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ctx.Err(), c.notConnected())
		}
	}
	return nil
}
