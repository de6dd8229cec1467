package customerio

import (
	"context"
	"fmt"
	"time"

	"github.com/cioevents/cioevents/internal/fault"
)

// Await returns nil when the API probably accepts calls, or the context's error. A
// consumer awaits the API before each fetch, so that messages stay in the stream while
// calls could only fail. The first Await asks the API. Later calls of Await return at
// once unless calls to the API have failed.
func (c *Client) Await(ctx context.Context) error {
	for {
		_, proved, cause := c.circuit.state()
		if cause == nil && proved {
			return nil
		}
		err := c.probe(ctx)
		if err == nil {
			return nil
		}
		wait, named := fault.RetryWait(err)
		if !named {
			wait = firstProbe
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Down returns the cause while the client makes no calls, else nil.
func (c *Client) Down() error {
	_, _, cause := c.circuit.state()
	if cause == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", errOpen, cause)
}

// probe asks for the region, because no other call of the Track API leaves the
// workspace unchanged.
func (c *Client) probe(ctx context.Context) error {
	probe, err := c.circuit.enter()
	if err != nil {
		return err
	}
	start := time.Now()
	_, result, err := c.checkRegion(ctx)
	if e := statusOf(err); e != nil && e.misplaced() {
		// The address may be a proxy that forwards only the paths of real calls. The
		// proxy answers, so the circuit must not open.
		result = outcomeRejected
	}
	switch {
	case result.unanswered() && ctx.Err() != nil:
		result = outcomeCancelled
	case result.unanswered():
		c.circuit.doubt()
	}
	if result != outcomeCancelled {
		c.metrics.answered(regionCall, result, time.Since(start))
	}
	if err := c.circuit.leave(probe, result, 0, err); !result.answersWork() {
		return err
	}
	return nil
}
