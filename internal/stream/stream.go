// Package stream stores events durably between ingest and worker, on NATS
// JetStream. It defines the subjects, creates the streams and the consumers,
// publishes and fetches messages, replays events, and stores dead letters.
package stream

import (
	"cmp"
	"context"
	"fmt"
	"sync/atomic"

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

	// closing is set before Close closes the connection, lost is closed when the
	// connection was closed by anybody else.
	closing atomic.Bool
	lost    chan struct{}
	state   State
	// away is set while the connection is lost, as far as the handlers know.
	away atomic.Bool
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
	c := &Conn{log: cfg.Log, lost: make(chan struct{}), health: newHealth(cfg.Log)}
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
