package worker

import (
	"context"
	"sync"

	"github.com/cioevents/cioevents/internal/effect"
	"github.com/cioevents/cioevents/internal/event"
)

// BulkProfiles are people who can be updated many at a time.
type BulkProfiles interface {
	Profiles
	// ApplyBatch makes calls of the kinds Identify and Track in any order and
	// returns when Customer.io has accepted them all, except those that it calls
	// fail for. An error is about all of them. It is called concurrently, and
	// calls fail concurrently.
	ApplyBatch(ctx context.Context, calls []effect.Call, fail func(i int, err error)) error
}

// Bulk is the handler for many events about few people. It folds a batch into one
// update a person and sends all of them at a time.
type Bulk struct {
	Plan Plan
	// Workspace is that of Profiles, as in Effects.
	Workspace string
	Profiles  BulkProfiles
}

// Handle applies the effects of the batch. A person who cannot be updated fails
// all events about that person.
func (h *Bulk) Handle(ctx context.Context, batch []event.Attempt, fail func(int, error)) error {
	one := Effects{Plan: h.Plan, Workspace: h.Workspace, Profiles: h.Profiles}
	people := fold{}
	var alone []int
	for i := range batch {
		calls, err := one.plan(&batch[i].Message)
		switch {
		case err != nil:
			fail(i, err)
		case foldable(calls):
			people.add(i, calls)
		default:
			alone = append(alone, i)
		}
	}
	if err := h.send(ctx, people, batch, fail); err != nil {
		return err
	}
	for _, i := range alone { // after the others: they may delete a person
		if err := one.handle(ctx, i, &batch[i], fail); err != nil {
			return err
		}
	}
	return nil
}

func (h *Bulk) send(ctx context.Context, people fold, batch []event.Attempt, fail func(int, error)) error {
	calls, owners := people.calls()
	if len(calls) == 0 {
		return nil
	}
	var mu sync.Mutex
	return h.Profiles.ApplyBatch(ctx, calls, func(j int, err error) {
		mu.Lock()
		defer mu.Unlock()
		p := owners[j]
		if p.failed {
			return
		}
		p.failed = true
		for _, i := range p.messages {
			fail(i, blameless(err, batch[i].Number))
		}
	})
}

// foldable reports whether the calls bear to be made in any order and together
// with others.
func foldable(calls []effect.Call) bool {
	for _, c := range calls {
		if c.Kind != effect.Identify && c.Kind != effect.Track {
			return false
		}
	}
	return true
}
