// Package stream is the durable record between ingest and worker: the subjects,
// the stream and its consumers, publishing, pulling and dead letters, on NATS
// JetStream.
package stream

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"
)

// Names of the streams.
const (
	Name     = "CUSTOMERIO"
	DeadName = "CUSTOMERIO_DEAD"
)

// A Conn is a connection to JetStream. It reconnects by itself for ever.
type Conn struct {
	nc  *nats.Conn
	js  jetstream.JetStream
	log zerolog.Logger
	// connectErr is why the last try to connect failed, nil after a success.
	connectErr atomic.Pointer[error]
}

// Connect returns at once, even while the server is away: a receiver that does
// not start is worse than one that answers 503 until it can do more. It fails
// only on a configuration that can never work.
func Connect(cfg Config) (*Conn, error) {
	if err := checkAddress(cfg.servers()); err != nil {
		return nil, err
	}
	opts, err := options(cfg)
	if err != nil {
		return nil, err
	}
	c := &Conn{log: cfg.Log}
	if c.nc, err = nats.Connect(cfg.servers(), append(opts, c.handlers()...)...); err != nil {
		return nil, fmt.Errorf("connect to NATS: %w", err)
	}
	if c.js, err = jetstream.New(c.nc); err != nil {
		c.nc.Close()
		return nil, fmt.Errorf("open JetStream: %w", err)
	}
	return c, nil
}

// reasonEvery is how often a failing connection says why: several tries a second
// fail while a server is away.
const reasonEvery = 10 * time.Second

func (c *Conn) handlers() []nats.Option {
	reasons := c.log.Sample(&zerolog.BurstSampler{Burst: 1, Period: reasonEvery})
	connected := func(text string) nats.ConnHandler {
		return func(nc *nats.Conn) {
			c.connectErr.Store(nil)
			c.log.Info().Str("server", nc.ConnectedUrlRedacted()).Msg(text)
		}
	}
	return []nats.Option{
		nats.ConnectHandler(connected("connected to NATS")),
		nats.ReconnectHandler(connected("connected to NATS again")),
		nats.ReconnectErrHandler(func(_ *nats.Conn, err error) {
			c.connectErr.Store(&err)
			reasons.Warn().Err(err).Msg("NATS cannot be reached, trying again")
		}),
		nats.DisconnectErrHandler(func(nc *nats.Conn, err error) {
			if nc.IsClosed() {
				return
			}
			c.log.Warn().Err(err).Msg("NATS is away, reconnecting")
		}),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			c.log.Warn().Err(err).Msg("NATS reports an error")
		}),
	}
}

// Close closes the connection. What was not acknowledged comes again.
func (c *Conn) Close() { c.nc.Close() }

var errNotConnected = errors.New("NATS is not connected")

// notConnected returns errNotConnected with the cause, if there is one.
func (c *Conn) notConnected() error {
	if err := c.connectErr.Load(); err != nil {
		return fmt.Errorf("%w: %w", errNotConnected, *err)
	}
	return errNotConnected
}

// Ready reports why the stream cannot be used now, nil when it can.
func (c *Conn) Ready(ctx context.Context) error {
	if !c.nc.IsConnected() {
		return c.notConnected()
	}
	_, err := c.lookUp(ctx, Name)
	return err
}

// lookUp returns a stream with its present state.
func (c *Conn) lookUp(ctx context.Context, name string) (jetstream.Stream, error) {
	st, err := c.js.Stream(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("look up stream %s: %w", name, err)
	}
	return st, nil
}

// WaitConnected returns when the connection is up, or with ctx's error and why
// there is none.
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
