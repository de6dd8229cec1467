package worker

import (
	"context"
	"iter"
	"sync"

	"github.com/cioevents/cioevents/internal/effect"
	"github.com/cioevents/cioevents/internal/event"
)

// BulkProfiles are Profiles that take many calls at a time.
type BulkProfiles interface {
	Profiles
	// ApplyBatch makes calls of the kinds Identify and Track in any order. ApplyBatch
	// returns when Customer.io has accepted every call for which fail was not called.
	// An error is about all calls of the batch. ApplyBatch is called concurrently. It
	// iterates over the calls once and may call fail concurrently, but not while the calls
	// are made.
	ApplyBatch(ctx context.Context, calls iter.Seq[effect.Call], fail func(i int, err error)) error
}

// Bulk is the handler for many events about few people. Bulk folds a batch into one
// update per person and sends all updates together.
type Bulk struct {
	Plan Plan
	// Workspace is the workspace of Profiles, as in Effects.
	Workspace string
	Profiles  BulkProfiles
	// OtherRecipients counts events. Default: no count.
	OtherRecipients *OtherRecipients
}

// Gather implements gatherer. Events are folded while the rest of their batch is
// fetched.
func (h *Bulk) Gather() func(*event.Attempt) {
	people := fold{}
	return func(a *event.Attempt) {
		defer func() { _ = recover() }() // Handle meets the same panic and reports the panic
		if p, err := h.take(people, &a.Message); err == nil && p != nil {
			a.Work = p
			dropContents(a)
		}
	}
}

// noContents is the message of all attempts without contents.
var noContents = &event.Stored{}

// dropContents drops the contents of a folded message. The id alone keeps all headers in memory.
// A message of a traced call keeps what its span shows.
func dropContents(a *event.Attempt) {
	if a.TraceParent == "" {
		a.Stored = noContents
		return
	}
	a.Body = nil
}

// Handle applies the effects of the batch. When a person cannot be updated, all
// events about that person fail.
func (h *Bulk) Handle(ctx context.Context, batch []event.Attempt, fail func(int, error)) error {
	people := fold{}
	messages := newOwned(batch)
	var alone []int
	for i := range batch {
		p, _ := batch[i].Work.(*entry)
		if p == nil {
			var err error
			if p, err = h.take(people, &batch[i].Message); err != nil {
				fail(i, err)
				continue
			}
		}
		if p == nil {
			alone = append(alone, i)
			continue
		}
		messages.add(p, i)
	}
	if err := h.send(ctx, messages, batch, fail); err != nil {
		return err
	}
	single := &Effects{Plan: h.Plan, Workspace: h.Workspace, Profiles: h.Profiles}
	for _, i := range alone { // after all other calls, because these calls may delete a person
		if _, err := single.handle(ctx, i, &batch[i], nil, fail); err != nil {
			return err
		}
	}
	for _, p := range messages.people { // only now, because a failed batch comes again
		for range messages.of(p) {
			h.OtherRecipients.add(p.otherRecipient, 1)
		}
	}
	return nil
}

// take folds a message and returns the entry of its person. take returns nil when
// the message must be handled alone.
func (h *Bulk) take(people fold, m *event.Message) (*entry, error) {
	o, err := h.Plan.outcome(h.Workspace, m)
	if err != nil || !foldable(o.calls) {
		return nil, err
	}
	return people.add(o), nil
}

// sentTogether is the number of calls that are encoded at a time, 10 requests to
// Customer.io. An encoded call takes more memory than the entry that it comes from.
const sentTogether = 10_000

// send makes the calls of all people who have messages in the batch.
func (h *Bulk) send(ctx context.Context, messages *owned, batch []event.Attempt, fail func(int, error)) error {
	for rest := messages.people; len(rest) > 0; {
		var owners []*entry // by call
		calls := func(yield func(effect.Call) bool) {
			for len(rest) > 0 && len(owners) < sentTogether {
				p := rest[0]
				rest = rest[1:]
				for _, c := range p.calls() {
					owners = append(owners, p)
					if !yield(c) {
						return
					}
				}
			}
		}
		var mu sync.Mutex
		err := h.Profiles.ApplyBatch(ctx, calls, func(j int, err error) {
			mu.Lock()
			defer mu.Unlock()
			for i := range messages.of(owners[j]) {
				fail(i, withWait(err, batch[i].Number))
			}
			owners[j].last = none // each message fails once
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// foldable reports whether the calls may be made in any order and together with
// other calls.
func foldable(calls []effect.Call) bool {
	for _, c := range calls {
		if c.Kind != effect.Identify && c.Kind != effect.Track {
			return false
		}
	}
	return true
}
