package worker

import (
	"context"
	"time"

	"github.com/cioevents/cioevents/internal/event"
)

// A gatherer is a Handler of batches that are larger than what should be kept in
// memory.
type gatherer interface {
	Handler
	// Gather begins a batch. What it returns is called with the messages of the
	// batch as they come, one at a time and at the first attempt only. It may put
	// what Handle needs of a message into Work, and let go of the Body then. A
	// message that becomes a dead letter without its body is fetched once more.
	Gather() func(*event.Attempt)
}

// A batch is fetched in parts, as long as these are full, for a third of the time
// after which the stream would hand the first message to another worker.
const (
	partMessages = 10_000
	gatherTime   = 10 * time.Second
)

// fetch returns the next batch. There may be one beside an error.
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
		batch = append(batch, got...)
		last := len(got) < part.Messages || limits.Bytes > 0 && part.Bytes <= 0
		part.Messages = min(limits.Messages-len(batch), partMessages)
		if err != nil || last || part.Messages <= 0 || !time.Now().Before(until) {
			return batch, err
		}
		part.Wait = max(limits.Linger, time.Millisecond) // not the long one for the first
	}
}
