package stream

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/event"
)

// reasonEvery is the shortest pause between two log lines about failed tries to
// connect: while a server is unreachable, several tries fail each second.
const reasonEvery = 10 * time.Second

func (c *Conn) handlers() []nats.Option {
	reasons := c.log.Sample(&zerolog.BurstSampler{Burst: 1, Period: reasonEvery})
	connected := func(text string) nats.ConnHandler {
		return func(nc *nats.Conn) {
			c.away.Store(false)
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
			c.away.Store(true)
			c.log.Warn().Err(err).Msg("NATS disconnected, reconnecting")
		}),
		nats.ErrorHandler(func(nc *nats.Conn, sub *nats.Subscription, err error) {
			if !c.away.Load() {
				c.logAsync(nc, sub, err)
				return
			}
			c.connectErr.Store(&err)
			reasons.Warn().Err(err).Msg("NATS error") // a refusal, repeated with each try
		}),
		nats.ClosedHandler(c.closed),
	}
}

// Close closes the connection. The server redelivers unsettled messages after
// AckWait.
func (c *Conn) Close() {
	c.closing.Store(true)
	c.nc.Close()
}

// closed notes that nats.go has given the connection up. nats.go does so after an error
// of the server that it does not know, for example for a message above a max_payload that
// was lowered a moment ago.
func (c *Conn) closed(nc *nats.Conn) {
	if c.closing.Load() {
		return
	}
	err := cmp.Or(nc.LastError(), nats.ErrConnectionClosed)
	c.connectErr.Store(&err)
	c.log.Error().Err(err).Msg("NATS connection closed for good")
	close(c.lost)
}

// ErrClosed reports a connection that nobody re-establishes any more. Only a new process
// can connect again. ErrClosed is an event.ErrStreamUnavailable.
var ErrClosed = fmt.Errorf("%w: the connection to NATS is closed for good", event.ErrStreamUnavailable)

// WaitClosed returns nil when ctx ends, and ErrClosed with its cause when the connection
// was closed by anything but Close.
func (c *Conn) WaitClosed(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case <-c.lost:
		return fmt.Errorf("%w: %w", ErrClosed, *c.connectErr.Load())
	}
}

var errNotConnected = errors.New("NATS is not connected")

// notConnected returns errNotConnected with the cause, if there is one. notConnected never
// waits for nats.go, which holds its lock while it dials.
func (c *Conn) notConnected() error {
	if err := c.connectErr.Load(); err != nil {
		return fmt.Errorf("%w: %w", errNotConnected, *err)
	}
	return errNotConnected
}

// noteRefusal notes that the server has refused the connection, and reports it. nats.go
// calls no handler about the refusal of a first connection.
func (c *Conn) noteRefusal() bool {
	err := c.nc.LastError()
	if err != nil {
		c.connectErr.Store(&err)
	}
	return err != nil
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
