package stream

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// deadPoll is the pause between two looks at the stream of dead letters. Without the
// stream, ingest answers 503 to a signed body that it cannot parse, and Customer.io
// holds back every later event until ingest accepts the body.
const deadPoll = 3 * time.Second

// KeepDeadStream watches the stream of dead letters until ctx ends, and recreates the
// stream when somebody has deleted it. While the stream is missing, for example because
// the user of this program may not create streams, Notes says so.
func (c *Conn) KeepDeadStream(ctx context.Context, s Settings) {
	t := time.NewTicker(deadPoll)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			if c.nc.IsConnected() {
				_ = c.tryOnce(ctx, func(ctx context.Context) error { return c.keepDeadStream(ctx, s) })
			}
		case <-ctx.Done():
			return
		}
	}
}

// keepDeadStream looks at the stream once. An error of the look-up changes nothing: the
// stream may be there.
func (c *Conn) keepDeadStream(ctx context.Context, s Settings) error {
	_, err := c.lookUpDead(ctx)
	switch {
	case err == nil:
		c.deadNote.Store(nil)
		return nil
	case !errors.Is(err, ErrNoDeadStream):
		return err
	}
	if c.deadNote.Load() == nil {
		c.noteDead(ErrNoDeadStream)
	}
	if _, err := c.ensureStream(ctx, s.withDefaults().deadStream()); err != nil {
		c.noteDead(fmt.Errorf("%w; not recreated: %w", ErrNoDeadStream, err))
		return err
	}
	c.deadNote.Store(nil)
	c.log.Error().Str("stream", DeadName).Msg("missing stream of dead letters recreated: the dead letters that were in it are lost")
	return nil
}

// noteDead keeps err for Notes, and logs err unless err is the last one.
func (c *Conn) noteDead(err error) {
	text := err.Error()
	if last := c.deadNote.Swap(&text); last == nil || *last != text {
		c.log.Error().Str("stream", DeadName).Msg(text)
	}
}

// Notes returns what a person should know about the streams although the program can
// do its work: that the stream of dead letters is missing.
func (c *Conn) Notes() []string {
	if note := c.deadNote.Load(); note != nil {
		return []string{*note}
	}
	return nil
}
