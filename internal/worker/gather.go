package worker

import (
	"context"
	"slices"
	"time"

	"github.com/cioevents/cioevents/internal/event"
)

// A gatherer is a Handler of batches whose bodies are too large to keep in memory.
type gatherer interface {
	Handler
	// Gather begins a batch and returns a function. The consumer calls the function
	// with each message as soon as the message is fetched, one at a time, and for
	// first attempts only. The function may put a digest of the message into Work and
	// set Body to nil. A message that must be dead-lettered without its body is
	// fetched once more.
	Gather() func(*event.Attempt)
}

// A batch is fetched in parts until a part is not full, for gatherTime at most.
// gatherTime is a third of AckWait, after which the stream would hand the first
// message to another worker.
const (
	partMessages = 5_000
	gatherTime   = 10 * time.Second
)

// fetch returns the next batch. fetch may return a batch and an error.
func (c *Consumer) fetch(ctx context.Context) ([]event.Attempt, error) {
	limits := c.limits()
	part := limits
	part.Messages = min(limits.Messages, partMessages)
	take := func(*event.Attempt) {}
	if g, ok := c.cfg.Handler.(gatherer); ok {
		take = g.Gather()
	}
	var batch []event.Attempt
	for until := time.Now().Add(gatherTime); ; {
		got, err := c.cfg.Source.Fetch(ctx, part)
		for i := range got {
			if got[i].Number == 1 {
				take(&got[i])
			}
			part.Bytes -= len(got[i].Body)
		}
		batch = extend(batch, got, limits.Messages)
		last := len(got) < part.Messages || limits.Bytes > 0 && part.Bytes <= 0
		part.Messages = min(limits.Messages-len(batch), partMessages)
		if err != nil || last || part.Messages <= 0 || !time.Now().Before(until) {
			return batch, err
		}
		part.Wait = max(limits.Linger, time.Millisecond) // only the first part waits long
	}
}

// extend appends a part to a batch. The first part becomes the batch. The second part grows
// the batch to its largest size: growing part by part would copy the batch several times.
func extend(batch, part []event.Attempt, most int) []event.Attempt {
	if len(batch) == 0 {
		return part
	}
	if len(batch)+len(part) > cap(batch) {
		batch = slices.Grow(batch, max(most-len(batch), len(part)))
	}
	return append(batch, part...)
}
