package worker

import (
	"context"
	"time"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/fault"
)

// settle acknowledges, retries or dead-letters each message of a batch. This decision
// is made here alone. errs has one error per message, nil for success.
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
		// The last acknowledgement waits for the server's confirmation, which covers
		// all earlier acknowledgements.
		c.report(batch[last].Settle.AckSync())
	}
}

// fail settles a message that could not be handled.
func (c *Consumer) fail(ctx context.Context, a *event.Attempt, err error) {
	reason, permanent := fault.PermanentReason(err)
	wait, named := fault.RetryWait(err)
	// An error that names a wait is about the API or the warehouse, not about this
	// message. Wrong credentials or an exhausted hourly limit must not end in dead
	// letters.
	if !permanent && !named && a.Number >= c.cfg.MaxAttempts {
		reason, permanent = fault.ReasonExhausted, true
	}
	switch {
	case permanent && a.Work != nil:
		wait = 0 // Body may be nil: the message is redelivered at once and then keeps its body
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

// deadLetter stores a message as a dead letter. The message is terminated only after
// the dead letter is durable; until then the stream redelivers the message.
func (c *Consumer) deadLetter(ctx context.Context, a *event.Attempt, reason fault.Reason, cause error) {
	d := &event.DeadLetter{
		Message: a.Message, From: c.cfg.Name, Consumer: a.Consumer, Reason: reason, Err: cause.Error(),
		Attempts: a.Number, Subject: a.Subject, Sequence: a.Sequence, StoredAt: a.StoredAt, DiedAt: time.Now(),
	}
	log := c.cfg.Log.With().Uint64("sequence", a.Sequence).Str("reason", string(reason)).Int("attempt", a.Number).Logger()
	if err := c.cfg.DeadLetters.StoreDeadLetter(ctx, d); err != nil {
		log.Error().Err(err).Msg("dead letter not stored, retrying the message")
		c.metrics.retried.Inc()
		c.report(a.Settle.Retry(backoff(a.Number)))
		return
	}
	if a.Number > c.cfg.MaxAttempts {
		c.unmark(ctx, a)
	}
	c.metrics.dead(reason)
	log.Error().Err(cause).Msg("message dead-lettered")
	c.report(a.Settle.Term(reason))
}

// release returns a batch to the stream, which delivers the batch to another worker
// at once.
func (c *Consumer) release(batch []event.Attempt) {
	for i := range batch {
		c.report(batch[i].Settle.Retry(0))
	}
}

// report logs that the stream did not receive a settlement. The stream then
// redelivers the message. Every handler tolerates a redelivery.
func (c *Consumer) report(err error) {
	if err != nil {
		c.cfg.Log.Debug().Err(err).Msg("message not settled, will be redelivered")
	}
}
