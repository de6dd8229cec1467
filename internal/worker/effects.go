package worker

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cioevents/cioevents/internal/effect"
	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/fault"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// Profiles are the people of one workspace.
type Profiles interface {
	// Apply makes one call and returns when Customer.io has accepted it. It is
	// called concurrently. A permanent fault makes a dead letter of the event,
	// any other error another attempt.
	Apply(ctx context.Context, call effect.Call) error
}

// A Plan says which calls an event causes, in their order.
type Plan func(e *webhook.Event, receivedAt time.Time) []effect.Call

// Effects is the handler that updates profiles.
type Effects struct {
	Plan Plan
	// Plans are used instead of Plan for the workspaces that they name.
	Plans map[string]Plan
	// Profiles has the people of each workspace by its name.
	Profiles map[string]Profiles
	// Concurrency is how many events are handled at a time. Default 8.
	Concurrency int
}

const concurrencyDefault = 8

// unknownWorkspaceWait is the pause before an event of a workspace without
// credentials is looked at again: somebody has to configure them first.
const unknownWorkspaceWait = time.Minute

// Handle applies the effects of each event. It fails events one by one, never
// the batch.
func (h *Effects) Handle(ctx context.Context, batch []event.Attempt, fail func(int, error)) error {
	var g errgroup.Group
	g.SetLimit(cmp.Or(h.Concurrency, concurrencyDefault))
	for i := range batch {
		g.Go(func() (err error) {
			// A panic here would end the process: the caller's recover is on
			// another goroutine.
			defer func() {
				if p := recover(); p != nil {
					fail(i, fault.Permanent(fault.ReasonPanic, fmt.Errorf("%w: %v", errPanic, p)))
				}
			}()
			if err := h.apply(ctx, &batch[i].Message); err != nil {
				fail(i, err)
			}
			return nil
		})
	}
	return g.Wait()
}

func (h *Effects) apply(ctx context.Context, m *event.Message) error {
	e, err := webhook.Parse(m.Body)
	if err != nil {
		return fault.Permanent(event.ParseReason(err), err)
	}
	calls := h.plan(m.Workspace)(e, m.ReceivedAt)
	if len(calls) == 0 {
		return nil
	}
	people, ok := h.Profiles[m.Workspace]
	if !ok {
		return fault.RetryAfter(unknownWorkspaceWait, fmt.Errorf("workspace %q has no Track API credentials", m.Workspace))
	}
	for _, call := range calls {
		if err := people.Apply(ctx, call); err != nil {
			return fmt.Errorf("%s: %w", call.Kind, err)
		}
	}
	return nil
}

func (h *Effects) plan(workspace string) Plan {
	if plan, ok := h.Plans[workspace]; ok {
		return plan
	}
	return h.Plan
}
