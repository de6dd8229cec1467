package worker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
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
	// called concurrently. A permanent fault makes a dead letter of the event. An
	// outage holds all events; any other error means another attempt at this one.
	Apply(ctx context.Context, call effect.Call) error
}

// A Plan says which calls an event causes, in their order. All are about one
// person.
type Plan func(e *webhook.Event, receivedAt time.Time) []effect.Call

// calls returns the calls of a message. The messages of other workspaces than the
// given one, and bodies that cannot be parsed, are permanent faults.
func (p Plan) calls(workspace string, m *event.Message) ([]effect.Call, error) {
	if m.Workspace != workspace {
		return nil, fault.Permanent(fault.ReasonUnknownWorkspace, fmt.Errorf("workspace %q has no Track API credentials in this worker", m.Workspace))
	}
	e, err := webhook.Parse(m.Body)
	if err != nil {
		return nil, fault.Permanent(event.ParseReason(err), err)
	}
	return p(e, m.ReceivedAt), nil
}

// Effects is the handler that updates the profiles of one workspace.
type Effects struct {
	Plan Plan
	// Workspace is the name of the workspace that Profiles are of. The events of
	// any other are given up: nobody here could act on them.
	Workspace string
	Profiles  Profiles
	// Concurrency is how many events are handled at a time. Default 8.
	Concurrency int
}

const defaultConcurrency = 8

// Handle applies the effects of each event. It fails events one by one, and the
// batch in an outage.
func (h *Effects) Handle(ctx context.Context, batch []event.Attempt, fail func(int, error)) error {
	var g errgroup.Group
	g.SetLimit(cmp.Or(h.Concurrency, defaultConcurrency))
	for i := range batch {
		g.Go(func() error { return h.handle(ctx, i, &batch[i], fail) })
	}
	return g.Wait()
}

// handle applies the effects of one event. Its error is one for the batch.
func (h *Effects) handle(ctx context.Context, i int, a *event.Attempt, fail func(int, error)) (whole error) {
	// A panic here would end the process: the caller's recover is on another
	// goroutine.
	defer func() {
		if p := recover(); p != nil {
			fail(i, fault.Permanent(fault.ReasonPanic, fmt.Errorf("%w: %v\n%s", errPanic, p, debug.Stack())))
		}
	}()
	calls, err := h.Plan.calls(h.Workspace, &a.Message)
	if err == nil {
		err = h.apply(inMessage(ctx, i), calls)
	}
	switch {
	case err == nil:
		return nil
	case fault.IsOutage(err), ctx.Err() != nil:
		return err
	default:
		fail(i, withWait(err, a.Number))
		return nil
	}
}

// apply makes the calls in their order. After one that failed for now the others
// must wait, and all are made again. After one that is refused for good they need
// not: a complaint must be heeded though its note cannot be written.
func (h *Effects) apply(ctx context.Context, calls []effect.Call) error {
	var refused error
	for _, call := range calls {
		err := h.Profiles.Apply(ctx, call)
		if _, permanent := fault.PermanentReason(err); err != nil && !permanent {
			return err
		}
		refused = errors.Join(refused, err)
	}
	return refused
}

// withWait gives a passing fault of the API a wait, which keeps it from making a
// dead letter of the message, however often it is met: it says nothing about it.
func withWait(err error, attempt int) error {
	_, permanent := fault.PermanentReason(err)
	if _, named := fault.RetryWait(err); permanent || named {
		return err
	}
	return fault.RetryAfter(backoff(attempt), err)
}
