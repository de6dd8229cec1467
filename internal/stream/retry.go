package stream

import (
	"context"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// retryWait is the pause between two tries of a request to the server.
const retryWait = time.Second

// EnsureUntil creates the missing streams and logs the properties of running streams that
// differ from s, until the stream of events is there or ctx ends. EnsureUntil tries once
// to create the stream of dead letters: KeepStreams goes on, and events do not wait.
func (c *Conn) EnsureUntil(ctx context.Context, s Settings) error {
	s = s.withDefaults()
	return c.until(ctx, "stream not ready, retrying", func(ctx context.Context) error {
		if err := c.ensureCompared(ctx, s.stream()); err != nil {
			c.health.setMissing(Name, err)
			return err
		}
		if err := c.ensureCompared(ctx, s.deadStream()); err != nil {
			c.health.isMissing(DeadName, err)
		}
		return nil
	})
}

func (c *Conn) ensureCompared(ctx context.Context, want jetstream.StreamConfig) error {
	running, err := c.ensureStream(ctx, want)
	if err == nil {
		c.health.isThere(want.Name, problemsOf(running.Config, want))
	}
	return err
}

// until calls try until try succeeds or ctx ends. It logs an error only when the error
// differs from the last logged error.
func (c *Conn) until(ctx context.Context, text string, try func(context.Context) error) error {
	logged := ""
	for {
		err := errNotConnected // the handlers of the connection log which server is away
		switch {
		case c.nc.IsConnected():
			err = c.tryOnce(ctx, try)
		case c.noteRefusal():
			err = c.notConnected()
		}
		if err == nil {
			return nil
		}
		if logged != err.Error() {
			logged = err.Error()
			c.log.Warn().Err(err).Msg(text)
		}
		select {
		case <-time.After(retryWait):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (c *Conn) tryOnce(ctx context.Context, try func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	return try(ctx)
}
