package worker

import (
	"context"
	"slices"
	"time"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/fault"
)

// settle acknowledges, retries or dead-letters each message of a batch. This decision
// is made in this file alone. errs has one error per message, nil for success.
func (c *Consumer) settle(ctx context.Context, batch []event.Attempt, errs []error) {
	c.acknowledge(c.settleFailed(ctx, batch, errs))
}

// settleFailed settles the messages with an error, and returns the others.
func (c *Consumer) settleFailed(ctx context.Context, batch []event.Attempt, errs []error) []event.Settler {
	others := make([]event.Settler, 0, len(batch))
	for i, err := range errs {
		if err != nil {
			c.fail(ctx, &batch[i], err)
			continue
		}
		others = append(others, batch[i].Settle)
	}
	return others
}

func (c *Consumer) acknowledge(messages []event.Settler) {
	if len(messages) == 0 {
		return
	}
	last := len(messages) - 1
	c.acknowledging.Lock()
	for _, m := range messages[:last] {
		c.report(m.Ack())
	}
	c.acknowledging.Unlock()
	// The last acknowledgement waits for the server's confirmation, which covers all earlier
	// acknowledgements.
	c.report(messages[last].AckSync())
	c.metrics.acked.Add(float64(len(messages)))
}

// hold acknowledges the messages when wait returns nil. Run waits for that.
func (c *Consumer) hold(ctx context.Context, messages []event.Settler, start time.Time, wait func(context.Context) error) {
	stop := c.keepAlive(slices.Values(messages)) //nolint:contextcheck // as in process
	c.holding.Add(int64(len(messages)))
	c.held.Go(func() {
		defer stop()
		defer c.holding.Add(-int64(len(messages)))
		if err := wait(ctx); err != nil {
			c.redeliver(ctx, messages, err)
			return
		}
		c.observe(start, len(messages))
		c.acknowledge(messages)
	})
}

// redeliver returns messages to the stream whose effects are not durable. Their bodies are
// gone, so the stream has to deliver the messages again.
func (c *Consumer) redeliver(ctx context.Context, messages []event.Settler, cause error) {
	wait := time.Duration(0) // at the end of the worker another worker takes the messages
	if ctx.Err() == nil {
		wait = batchWait(cause, 1)
		c.noteResult(false)
		c.metrics.batchErrors.Inc()
		c.cfg.Log.Warn().Err(cause).Int("messages", len(messages)).Stringer("wait", wait).Msg("batch failed, the stream delivers it again")
	}
	for _, m := range messages {
		c.report(m.Retry(wait))
	}
	c.metrics.retried.Add(float64(len(messages)))
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
