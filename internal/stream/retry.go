package stream

import (
	"context"
	"time"
)

// retryWait is the pause between two tries of a request to the server.
const retryWait = time.Second

// EnsureUntil calls Ensure until Ensure succeeds or ctx ends. EnsureUntil logs the
// errors, and the properties of the running stream that differ from s.
func (c *Conn) EnsureUntil(ctx context.Context, s Settings) error {
	return c.until(ctx, "stream not ready, retrying", func(ctx context.Context) error {
		differences, problems, err := c.ensure(ctx, s)
		for _, d := range differences {
			c.log.Warn().Str("stream", Name).Msg("running stream differs from the configuration: " + d + "; to change the stream, run cioctl stream apply")
		}
		for _, p := range problems {
			c.log.Warn().Msg(p)
		}
		return err
	})
}

// until calls try until try succeeds or ctx ends. It logs an error only when the error
// differs from the last logged error.
func (c *Conn) until(ctx context.Context, text string, try func(context.Context) error) error {
	logged := ""
	for {
		err := errNotConnected // the handlers of the connection log the cause
		if c.nc.IsConnected() {
			err = c.tryOnce(ctx, try)
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
