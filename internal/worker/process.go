package worker

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/fault"
)

// isolateAfter is the number of attempts after which a message is handled alone. A
// message that crashes the process would otherwise fail its whole batch each time.
const isolateAfter = 5

// process handles and settles a batch.
func (c *Consumer) process(ctx, work context.Context, batch []event.Attempt) {
	stop := c.keepAlive(settlers(batch)) //nolint:contextcheck // the extensions last as long as the batch, also after ctx has ended
	defer stop()
	isolated := func(a event.Attempt) bool { return a.Number > isolateAfter }
	if !slices.ContainsFunc(batch, isolated) { // most batches, which may be too large to copy
		c.handle(ctx, work, batch)
		return
	}
	c.handle(ctx, work, slices.DeleteFunc(slices.Clone(batch), isolated))
	for i := range batch {
		if isolated(batch[i]) {
			c.handle(ctx, work, batch[i:i+1])
		}
	}
}

// handle calls the handler until a call returns no batch error or the worker stops,
// and then settles the messages.
func (c *Consumer) handle(ctx, work context.Context, batch []event.Attempt) {
	if len(batch) == 0 {
		return
	}
	start := time.Now()
	for tries := 1; ; tries++ {
		r, err := c.try(work, batch)
		switch {
		case err == nil:
			c.noteResults(r.errs)
			if r.wait != nil {
				c.hold(work, c.settleFailed(work, batch, r.errs), start, r.wait)
				return
			}
			c.observe(start, len(batch))
			c.settle(work, batch, r.errs)
			return
		case errors.Is(err, errPanic) && len(batch) > 1:
			half := len(batch) / 2 // search the message that causes the panic
			c.handle(ctx, work, batch[:half])
			c.handle(ctx, work, batch[half:])
			return
		case errors.Is(err, errPanic):
			c.cfg.Log.Error().Err(err).Uint64("sequence", batch[0].Sequence).Msg("handler panicked on a message")
			c.settle(work, batch, []error{fault.Permanent(fault.ReasonPanic, errPanic)})
			return
		case ctx.Err() != nil:
			c.release(batch)
			return
		}
		c.noteResult(false)
		c.metrics.batchErrors.Inc()
		wait := batchWait(err, tries)
		c.cfg.Log.Warn().Err(err).Int("messages", len(batch)).Stringer("wait", wait).Msg("batch failed, retrying")
		pause(ctx, wait)
	}
}

func (c *Consumer) observe(start time.Time, messages int) {
	c.metrics.batchSeconds.Observe(time.Since(start).Seconds())
	c.metrics.batchMessages.Observe(float64(messages))
}

// noteResults notes whether the API or the warehouse works. A batch that has only
// permanent faults does not tell.
func (c *Consumer) noteResults(errs []error) {
	transient := func(err error) bool {
		_, permanent := fault.PermanentReason(err)
		return !permanent
	}
	switch {
	case slices.Contains(errs, nil):
		c.noteResult(true)
	case slices.ContainsFunc(errs, transient):
		c.noteResult(false)
	}
}

// noteResult notes whether the last batch succeeded.
func (c *Consumer) noteResult(succeeded bool) {
	c.lastBatchSucceeded.Store(succeeded)
	c.hasResult.Store(true)
}

// longestBatchWait is short, so that the end of an outage is noticed soon.
const longestBatchWait = 15 * time.Second

// batchWait is the pause before a batch is handled again. The pause is the wait that
// the error names, or else longestBatchWait at most.
func batchWait(err error, tries int) time.Duration {
	if wait, ok := fault.RetryWait(err); ok {
		return wait
	}
	return min(backoff(tries)/4, longestBatchWait)
}

// errPanic reports that the handler panicked.
var errPanic = errors.New("handler panicked")

// A result has the error of each message, nil for success, and stager's wait.
type result struct {
	errs []error
	wait func(context.Context) error
}

// try calls the handler once.
func (c *Consumer) try(ctx context.Context, batch []event.Attempt) (r result, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v\n%s", errPanic, p, debug.Stack())
		}
	}()
	h, stages := c.handler.(stager)
	stages = stages && len(batch) == c.cfg.Limits.Messages && int(c.holding.Load())+len(batch) <= c.cfg.MaxHeld
	switch {
	case batch[0].Number > c.cfg.MaxAttempts && len(batch) == 1:
		r.errs, err = c.tryLast(ctx, batch)
	case stages:
		r.errs, err = call(ctx, batch, staging(h, &r.wait))
	default:
		r.errs, err = call(ctx, batch, c.handler.Handle)
	}
	return r, err
}

// A handle is Handler's Handle.
type handle func(ctx context.Context, batch []event.Attempt, fail func(i int, err error)) error

// staging returns h.Stage as a handle that sets wait.
func staging(h stager, wait *func(context.Context) error) handle {
	return func(ctx context.Context, batch []event.Attempt, fail func(int, error)) (err error) {
		*wait, err = h.Stage(ctx, batch, fail)
		return err
	}
}

// call returns the error of each message.
func call(ctx context.Context, batch []event.Attempt, handle handle) (errs []error, err error) {
	errs = make([]error, len(batch))
	var mu sync.Mutex
	return errs, handle(ctx, batch, func(i int, err error) {
		mu.Lock()
		defer mu.Unlock()
		errs[i] = err
	})
}

func settlers(batch []event.Attempt) iter.Seq[event.Settler] {
	return func(yield func(event.Settler) bool) {
		for i := range batch {
			if !yield(batch[i].Settle) {
				return
			}
		}
	}
}

// keepAlive extends the acknowledgement deadline of the messages every ExtendEvery,
// until the returned function is called.
func (c *Consumer) keepAlive(messages iter.Seq[event.Settler]) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var extending sync.WaitGroup
	extending.Go(func() {
		for pause(ctx, c.cfg.ExtendEvery); ctx.Err() == nil; pause(ctx, c.cfg.ExtendEvery) {
			for m := range messages {
				_ = m.Extend() // the message is settled already, or NATS is down and will redeliver the message
			}
		}
	})
	return func() {
		cancel()
		extending.Wait()
	}
}
