package worker

import (
	"context"
	"time"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/fault"
)

// settle tells the stream what became of each message: the one place where
// that is decided. There is one error a message, nil for success.
func (c *Consumer) settle(ctx context.Context, batch []event.Attempt, errs []error) {
	last := -1
	for i, err := range errs {
		if err != nil {
			c.fail(ctx, &batch[i], err)
			continue
		}
		if last >= 0 {
			c.report(batch[last].Settle.Ack())
		}
		last = i
		c.metrics.acked.Inc()
	}
	if last >= 0 {
		// The last acknowledgement waits for the server's confirmation, which
		// covers all before it.
		c.report(batch[last].Settle.AckSync())
	}
}

// fail settles a message that could not be handled.
func (c *Consumer) fail(ctx context.Context, a *event.Attempt, err error) {
	reason, permanent := fault.PermanentReason(err)
	wait, named := fault.RetryWait(err)
	// A wait that was named speaks of the other side, not of this message:
	// wrong credentials or a full hour must not end as dead letters.
	if !permanent && !named && a.Number >= c.cfg.MaxAttempts {
		reason, permanent = fault.ReasonExhausted, true
	}
	switch {
	case permanent && a.Work != nil:
		wait = 0 // its body may be gone: it comes again at once, and keeps it then
	case permanent:
		c.deadLetter(ctx, a, reason, err)
		return
	case !named:
		wait = backoff(a.Number)
	}
	c.metrics.retried.Inc()
	c.cfg.Log.Info().Err(err).Uint64("sequence", a.Sequence).Int("attempt", a.Number).Stringer("wait", wait).Msg("retrying a message")
	c.report(a.Settle.Retry(wait))
}

// deadLetter makes a dead letter of a message. Only when it is durable is the message
// ended; until then it comes again.
func (c *Consumer) deadLetter(ctx context.Context, a *event.Attempt, reason fault.Reason, cause error) {
	d := &event.DeadLetter{
		Message: a.Message, From: c.cfg.Name, Consumer: a.Consumer, Reason: reason, Err: cause.Error(),
		Attempts: a.Number, Subject: a.Subject, Sequence: a.Sequence, DiedAt: time.Now(),
	}
	log := c.cfg.Log.With().Uint64("sequence", a.Sequence).Str("reason", string(reason)).Int("attempt", a.Number).Logger()
	if err := c.cfg.DeadLetters.StoreDeadLetter(ctx, d); err != nil {
		log.Error().Err(err).Msg("a dead letter cannot be stored, retrying its message")
		c.metrics.retried.Inc()
		c.report(a.Settle.Retry(backoff(a.Number)))
		return
	}
	c.metrics.dead(reason)
	log.Error().Err(cause).Msg("gave a message up as a dead letter")
	c.report(a.Settle.Term(reason))
}

// release returns a batch to the stream at once, for another worker.
func (c *Consumer) release(batch []event.Attempt) {
	for i := range batch {
		c.report(batch[i].Settle.Retry(0))
	}
}

// report says that the stream did not hear. The message then comes again, which
// every handler bears.
func (c *Consumer) report(err error) {
	if err != nil {
		c.cfg.Log.Debug().Err(err).Msg("a message could not be settled and comes again")
	}
}
