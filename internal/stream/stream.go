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
	nc      *nats.Conn
	js      jetstream.JetStream
	log     zerolog.Logger
	lastErr *connectError
}

// A connectError is why the last try to connect failed.
type connectError struct{ last atomic.Pointer[error] }

// err is that there is no connection, and why.
func (t *connectError) err() error {
	if why := t.last.Load(); why != nil {
		return fmt.Errorf("%w: %w", errNotConnected, *why)
	}
	return errNotConnected
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
	why := &connectError{}
	nc, err := nats.Connect(cfg.servers(), append(opts, handlers(cfg.Log, why)...)...)
	if err != nil {
		return nil, fmt.Errorf("connect to NATS: %w", err)
	}
	js, err := jetstream.New(nc)
	if err != nil {
		nc.Close()
		return nil, fmt.Errorf("open JetStream: %w", err)
	}
	return &Conn{nc: nc, js: js, log: cfg.Log, lastErr: why}, nil
}

// reasonEvery is how often a failing connection says why: several tries a second
// fail while a server is away.
const reasonEvery = 10 * time.Second

func handlers(log zerolog.Logger, why *connectError) []nats.Option {
	reasons := log.Sample(&zerolog.BurstSampler{Burst: 1, Period: reasonEvery})
	connected := func(text string) nats.ConnHandler {
		return func(nc *nats.Conn) {
			why.last.Store(nil)
			log.Info().Str("server", nc.ConnectedUrlRedacted()).Msg(text)
		}
	}
	return []nats.Option{
		nats.ConnectHandler(connected("connected to NATS")),
		nats.ReconnectHandler(connected("connected to NATS again")),
		nats.ReconnectErrHandler(func(_ *nats.Conn, err error) {
			why.last.Store(&err)
			reasons.Warn().Err(err).Msg("NATS cannot be reached, trying again")
		}),
		nats.DisconnectErrHandler(func(nc *nats.Conn, err error) {
			if nc.IsClosed() {
				return
			}
			log.Warn().Err(err).Msg("NATS is away, reconnecting")
		}),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			log.Warn().Err(err).Msg("NATS reports an error")
		}),
	}
}

// Close closes the connection. What was not acknowledged comes again.
func (c *Conn) Close() { c.nc.Close() }

var errNotConnected = errors.New("NATS is not connected")

// Ready reports why the stream cannot be used now, nil when it can.
func (c *Conn) Ready(ctx context.Context) error {
	if !c.nc.IsConnected() {
		return c.lastErr.err()
	}
	if _, err := c.js.Stream(ctx, Name); err != nil {
		return fmt.Errorf("look up stream %s: %w", Name, err)
	}
	return nil
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
			return fmt.Errorf("%w: %w", ctx.Err(), c.lastErr.err())
		}
	}
	return nil
}
