package worker

import (
	"context"
	"sync"

	"github.com/cioevents/cioevents/internal/effect"
	"github.com/cioevents/cioevents/internal/event"
)

// BulkProfiles are Profiles that take many calls at a time.
type BulkProfiles interface {
	Profiles
	// ApplyBatch makes calls of the kinds Identify and Track in any order. ApplyBatch
	// returns when Customer.io has accepted every call for which fail was not called.
	// An error is about all calls of the batch. ApplyBatch is called concurrently and
	// may call fail concurrently.
	ApplyBatch(ctx context.Context, calls []effect.Call, fail func(i int, err error)) error
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
		if p, err := h.take(people, a.Message); err == nil && p != nil {
			a.Work = p
			dropContents(a)
		}
	}
}

// noContents is the message of all attempts without contents.
var noContents = &event.Message{}

// dropContents drops the contents of a folded message. The id alone keeps all headers in memory.
// A message of a traced call keeps what its span shows.
func dropContents(a *event.Attempt) {
	if a.TraceParent == "" {
		a.Message, a.Subject = noContents, ""
		return
	}
	a.Body = nil
}

// Handle applies the effects of the batch. When a person cannot be updated, all
// events about that person fail.
func (h *Bulk) Handle(ctx context.Context, batch []event.Attempt, fail func(int, error)) error {
	people := fold{}
	messages := newOwned(len(batch))
	var alone []int
	for i := range batch {
		p, _ := batch[i].Work.(*entry)
		if p == nil {
			var err error
			if p, err = h.take(people, batch[i].Message); err != nil {
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
	for p := range messages.last { // only now, because a failed batch comes again
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

// sentTogether is the number of calls that exist at a time, 10 requests to Customer.io. A
// call takes more memory than the entry that it comes from.
const sentTogether = 10_000

// send makes the calls of all people who have messages in the batch.
func (h *Bulk) send(ctx context.Context, messages *owned, batch []event.Attempt, fail func(int, error)) error {
	var calls []effect.Call
	var owners []*entry
	var mu sync.Mutex
	apply := func() error {
		defer func() { calls, owners = calls[:0], owners[:0] }()
		return h.Profiles.ApplyBatch(ctx, calls, func(j int, err error) {
			mu.Lock()
			defer mu.Unlock()
			for i := range messages.of(owners[j]) {
				fail(i, withWait(err, batch[i].Number))
			}
			delete(messages.last, owners[j]) // each message fails once
		})
	}
	for p := range messages.last {
		for _, c := range p.calls() {
			calls, owners = append(calls, c), append(owners, p)
		}
		if len(calls) >= sentTogether {
			if err := apply(); err != nil {
				return err
			}
		}
	}
	if len(calls) == 0 {
		return nil
	}
	return apply()
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
