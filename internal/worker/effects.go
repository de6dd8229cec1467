package worker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cioevents/cioevents/internal/effect"
	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/fault"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// Profiles are the people of one workspace.
type Profiles interface {
	// Apply makes one call and returns when Customer.io has accepted the call. Apply
	// is called concurrently. A permanent fault dead-letters the event. During an
	// outage all events are retried together. After any other error this event is
	// retried.
	Apply(ctx context.Context, call effect.Call) error
}

// A Plan returns the calls that an event causes, in their order. All calls of an
// event are about one person.
type Plan func(e *webhook.Event, receivedAt time.Time) []effect.Call

// An outcome is what a message causes.
type outcome struct {
	calls []effect.Call
	// otherRecipient is the metric of an event without calls about a message to an
	// address other than the person's own, and "" for all other events.
	otherRecipient webhook.Metric
}

// outcome returns what a message causes: a backfilled event causes nothing. A message of
// another workspace and a body that cannot be parsed are permanent faults.
func (p Plan) outcome(workspace string, m *event.Message) (outcome, error) {
	if m.Workspace != workspace {
		return outcome{}, fault.Permanent(fault.ReasonUnknownWorkspace, fmt.Errorf("workspace %q has no Track API credentials in this worker", m.Workspace))
	}
	e, err := webhook.Parse(m.Body)
	if err != nil {
		return outcome{}, fault.Permanent(event.ParseReason(err), err)
	}
	if e.Shape == webhook.Backfill { // may be old; no subject leads here, but an operator may edit a consumer
		return outcome{}, nil
	}
	o := outcome{calls: p(e, m.ReceivedAt)}
	if len(o.calls) == 0 && effect.OtherRecipient(e) {
		o.otherRecipient = e.Metric
	}
	return o, nil
}

// Effects is the handler that updates the profiles of one workspace.
type Effects struct {
	Plan Plan
	// Workspace is the name of the workspace of Profiles. An event of any other
	// workspace is dead-lettered, because this worker cannot act on the event.
	Workspace string
	Profiles  Profiles
	// Concurrency is the number of events that are handled at a time. Default 8.
	Concurrency int
	// OtherRecipients counts events. Default: no count.
	OtherRecipients *OtherRecipients
	// Limit holds suppressions that bounces cause. Default: no limit.
	Limit *SuppressionLimit
}

const defaultConcurrency = 8

// Handle applies the effects of each event. Events fail one by one; an outage fails
// the whole batch. Events that count for the limit come last, so that a complaint does
// not wait for the bucket.
func (h *Effects) Handle(ctx context.Context, batch []event.Attempt, fail func(int, error)) error {
	var g errgroup.Group
	g.SetLimit(cmp.Or(h.Concurrency, defaultConcurrency))
	others := make([]webhook.Metric, len(batch))
	handle := func(i int, limited error) {
		g.Go(func() (err error) {
			others[i], err = h.handle(ctx, i, &batch[i], limited, fail)
			return err
		})
	}
	var counted []int
	for i := range batch {
		if h.counts(&batch[i]) {
			counted = append(counted, i)
			continue
		}
		handle(i, nil)
	}
	limited := h.Limit.admit(ctx, batch, counted)
	for _, i := range counted {
		handle(i, limited[i])
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for _, metric := range others { // only now, because a failed batch comes again
		h.OtherRecipients.add(metric, 1)
	}
	return nil
}

// counts reports whether a suppression of the message counts for the limit. The
// suppression that an operator has released does not.
func (h *Effects) counts(a *event.Attempt) bool {
	defer func() { _ = recover() }() // handle meets the same panic and reports the panic
	if h.Limit == nil || a.Released {
		return false
	}
	o, err := h.Plan.outcome(h.Workspace, &a.Message)
	return err == nil && slices.ContainsFunc(o.calls, func(c effect.Call) bool { return c.Bounce })
}

// handle applies the effects of one event. limited is the error of the limit, nil for an
// event that may suppress. A returned error is about the whole batch. otherRecipient is
// that of the event's outcome.
func (h *Effects) handle(ctx context.Context, i int, a *event.Attempt, limited error, fail func(int, error)) (otherRecipient webhook.Metric, whole error) {
	// Without this recover a panic would end the process: the caller's recover runs
	// on another goroutine.
	defer func() {
		if p := recover(); p != nil {
			fail(i, fault.Permanent(fault.ReasonPanic, fmt.Errorf("%w: %v\n%s", errPanic, p, debug.Stack())))
		}
	}()
	o, err := h.Plan.outcome(h.Workspace, &a.Message)
	if err == nil {
		err = h.apply(inMessage(ctx, i), o.calls, limited)
	}
	switch {
	case err == nil:
		return o.otherRecipient, nil
	case errors.Is(err, errNotCounted):
		// The bucket is away, not the API: other messages go on.
		fail(i, fault.Outage(backoff(a.Number), err))
		return "", nil
	case fault.IsOutage(err), ctx.Err() != nil:
		return "", err
	default:
		fail(i, withWait(err, a.Number))
		return "", nil
	}
}

// apply makes the calls in their order. After a transient failure apply stops, and
// the next attempt makes all calls again. After a permanent refusal apply goes on: a
// complaint must suppress the person even if the note about the complaint cannot be
// written. A held suppression alone is left out. Before the count, apply makes no call.
func (h *Effects) apply(ctx context.Context, calls []effect.Call, limited error) error {
	_, held := fault.PermanentReason(limited)
	if limited != nil && !held {
		return limited
	}
	refused := limited
	for _, call := range calls {
		if held && call.Bounce {
			continue
		}
		err := h.Profiles.Apply(ctx, call)
		if _, permanent := fault.PermanentReason(err); err != nil && !permanent {
			return err
		}
		refused = errors.Join(refused, err)
	}
	return refused
}

// withWait adds a wait to a transient fault of the API. An error with a wait never
// dead-letters its message, however often the error repeats. A fault of the API says
// nothing about the message.
func withWait(err error, attempt int) error {
	_, permanent := fault.PermanentReason(err)
	if _, named := fault.RetryWait(err); permanent || named {
		return err
	}
	return fault.RetryAfter(backoff(attempt), err)
}
