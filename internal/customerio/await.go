package customerio

import (
	"context"
	"fmt"
	"time"

	"github.com/cioevents/cioevents/internal/fault"
)

// Await returns when the API is believed to accept calls, or with the context's
// error. It is for whoever fetches work: while calls could only fail, work is
// better left where it is. The first time it asks the API; later it returns at
// once unless calls have failed.
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
		t := time.NewTimer(wait)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return ctx.Err()
		}
	}
}

// Down returns why no calls are made for now, nil when they are.
func (c *Client) Down() error {
	_, _, cause := c.circuit.state()
	if cause == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", errOpen, cause)
}

// probe asks for the region, which is the one call that changes nothing.
func (c *Client) probe(ctx context.Context) error {
	probe, err := c.circuit.enter()
	if err != nil {
		return err
	}
	result, err := c.checkRegion(ctx)
	if e := statusOf(err); e != nil && e.misplaced() {
		// A proxy that passes on nothing but what is needed. It answers.
		result = outcomeRejected
	}
	switch {
	case result.unanswered() && ctx.Err() != nil:
		result = outcomeCancelled
	case result.unanswered():
		c.circuit.doubt()
	}
	if err := c.circuit.leave(probe, result, 0, err); !result.answersWork() {
		return err
	}
	return nil
}
