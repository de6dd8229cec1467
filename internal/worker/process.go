package worker

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/fault"
)

// isolateAfter is the number of attempts after which a message is handled
// alone. What makes the process crash takes its whole batch along; alone it can
// only give itself up.
const isolateAfter = 5

// process handles and settles a batch.
func (c *Consumer) process(ctx, work context.Context, batch []event.Attempt) {
	stop := c.keepAlive(batch) //nolint:contextcheck // it lives as long as the batch, also after ctx has ended
	defer stop()
	together, alone := split(batch)
	c.handle(ctx, work, together)
	for i := range alone {
		c.handle(ctx, work, alone[i:i+1])
	}
}

// split takes the suspects out of a batch, of which there are hardly ever any.
func split(batch []event.Attempt) (together, alone []event.Attempt) {
	isolated := func(a event.Attempt) bool { return a.Number > isolateAfter }
	if !slices.ContainsFunc(batch, isolated) {
		return batch, nil
	}
	for _, a := range batch {
		if isolated(a) {
			alone = append(alone, a)
		} else {
			together = append(together, a)
		}
	}
	return together, alone
}

// handle has a batch handled until it succeeds as a whole or the worker stops,
// and settles its messages.
func (c *Consumer) handle(ctx, work context.Context, batch []event.Attempt) {
	if len(batch) == 0 {
		return
	}
	start := time.Now()
	for tries := 1; ; tries++ {
		errs, err := c.try(work, batch)
		switch {
		case err == nil:
			c.noteResults(errs)
			c.metrics.batchSeconds.Observe(time.Since(start).Seconds())
			c.metrics.batchMessages.Observe(float64(len(batch)))
			c.settle(work, batch, errs)
			return
		case errors.Is(err, errPanic) && len(batch) > 1:
			half := len(batch) / 2 // it is one of them, perhaps
			c.handle(ctx, work, batch[:half])
			c.handle(ctx, work, batch[half:])
			return
		case errors.Is(err, errPanic):
			c.cfg.Log.Error().Err(err).Uint64("sequence", batch[0].Sequence).Msg("a message made the handler panic")
			c.settle(work, batch, []error{fault.Permanent(fault.ReasonPanic, errPanic)})
			return
		case ctx.Err() != nil:
			c.release(batch)
			return
		}
		c.noteResult(false)
		c.metrics.batchErrors.Inc()
		wait := batchWait(err, tries)
		c.cfg.Log.Warn().Err(err).Int("messages", len(batch)).Stringer("wait", wait).Msg("the batch cannot be handled now, holding it")
		pause(ctx, wait)
	}
}

// noteResults notes whether the other side works, if the result of a batch says so.
func (c *Consumer) noteResults(errs []error) {
	passing := func(err error) bool {
		_, permanent := fault.PermanentReason(err)
		return !permanent
	}
	switch {
	case slices.Contains(errs, nil):
		c.noteResult(true)
	case slices.ContainsFunc(errs, passing):
		c.noteResult(false)
	}
}

// noteResult notes whether the other side works.
func (c *Consumer) noteResult(succeeded bool) {
	c.lastBatchSucceeded.Store(succeeded)
	c.hasResult.Store(true)
}

// batchWait is the pause before a batch is handled again: what the other side
// asked for, else up to a quarter of a minute, so that the end of an outage is
// noticed soon.
func batchWait(err error, tries int) time.Duration {
	if wait, ok := fault.RetryWait(err); ok {
		return wait
	}
	return min(backoff(tries)/4, 15*time.Second)
}

// errPanic reports that the handler panicked.
var errPanic = errors.New("handler panicked")

// try calls the handler once.
func (c *Consumer) try(ctx context.Context, batch []event.Attempt) (errs []error, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v\n%s", errPanic, p, debug.Stack())
		}
	}()
	errs = make([]error, len(batch))
	if batch[0].Number > c.cfg.MaxAttempts && len(batch) == 1 {
		if err := c.giveUp(); err != nil {
			return []error{err}, nil
		}
	}
	var mu sync.Mutex
	fail := func(i int, err error) {
		mu.Lock()
		defer mu.Unlock()
		errs[i] = err
	}
	return errs, c.handler.Handle(ctx, batch, fail)
}

// giveUp returns the fate of a message that was handed out too often, nil when it
// is worth another try. It may take the process with it each time, and then never
// comes as far as failing. Or it was about in a long outage. So it is given up
// untried only while others succeed, and is set aside for a while for others to do
// so first.
func (c *Consumer) giveUp() error {
	switch {
	case c.lastBatchSucceeded.Load():
		return fault.Permanent(fault.ReasonExhausted, errExhausted)
	case time.Since(c.started) < setAside:
		return fault.RetryAfter(setAside, errExhausted)
	default:
		return nil
	}
}

// setAside is longer than the stream waits for a worker that has crashed, so that
// after a restart other messages come first.
const setAside = time.Minute

var errExhausted = errors.New("no attempt has come to a good end")

// keepAlive tells the server from time to time that the batch is being worked
// on, until the returned function is called.
func (c *Consumer) keepAlive(batch []event.Attempt) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		t := time.NewTicker(c.cfg.ExtendEvery)
		defer t.Stop()
		for {
			select {
			case <-t.C:
				for i := range batch {
					_ = batch[i].Settle.Extend() // settled already, or NATS is away: it comes again
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	return func() {
		cancel()
		<-done
	}
}
