package stream

import (
	"context"
	"time"
)

// retryWait is the pause between two attempts at what needs the server.
const retryWait = time.Second

// EnsureUntil is Ensure, tried until it succeeds or ctx ends. It logs what
// stands in the way and what differs.
func (c *Conn) EnsureUntil(ctx context.Context, s Settings) error {
	return c.until(ctx, "the stream is not there yet, trying again", func(ctx context.Context) error {
		differences, err := c.Ensure(ctx, s)
		for _, d := range differences {
			c.log.Warn().Str("stream", Name).Msg("running stream differs from the configuration: " + d + "; cioctl stream apply changes it")
		}
		return err
	})
}

// OpenConsumerUntil is OpenConsumer, tried until it succeeds or ctx ends.
func (c *Conn) OpenConsumerUntil(ctx context.Context, name string, subjects []string) (cons *Consumer, err error) {
	err = c.until(ctx, "the consumer cannot be opened, trying again", func(ctx context.Context) error {
		cons, err = c.OpenConsumer(ctx, name, subjects)
		return err
	})
	return cons, err
}

// until calls try until it succeeds or ctx ends. A fault that stays the same is
// logged once.
func (c *Conn) until(ctx context.Context, text string, try func(context.Context) error) error {
	said := ""
	for {
		err := errNotConnected // why is logged where it is known
		if c.nc.IsConnected() {
			err = c.tryOnce(ctx, try)
		}
		if err == nil {
			return nil
		}
		if said != err.Error() {
			said = err.Error()
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
