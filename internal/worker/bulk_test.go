package worker_test

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/effect"
	"github.com/cioevents/cioevents/internal/fault"
	"github.com/cioevents/cioevents/internal/worker"
)

// batchedProfiles records the size of each batch. The batch of number outage fails.
type batchedProfiles struct {
	fakeProfiles
	sizes  []int
	outage int
}

func (p *batchedProfiles) ApplyBatch(ctx context.Context, calls iter.Seq[effect.Call], fail func(int, error)) error {
	list := slices.Collect(calls)
	p.sizes = append(p.sizes, len(list))
	if len(p.sizes) == p.outage {
		return fault.Outage(time.Second, errAway)
	}
	return p.fakeProfiles.ApplyBatch(ctx, slices.Values(list), fail)
}

// handledCrowd handles two opens of each of 25,000 people. The API refuses each person
// whose number ends in 7.
func handledCrowd(t *testing.T, p *batchedProfiles) (errs []error, whole error) {
	t.Helper()
	p.fn = func(c effect.Call) error {
		if id := c.Person.Value; id[len(id)-1] == '7' {
			return fault.Permanent(fault.ReasonRejected, errAway)
		}
		return nil
	}
	var bodies [][]byte
	for i := range 50_000 {
		bodies = append(bodies, emailEvent("opened", fmt.Sprint(i%25_000), occurred))
	}
	return handled(t, &worker.Bulk{Plan: effect.Policy{}.Engagement, Workspace: "acme", Profiles: p}, attempts(bodies...))
}

// The calls of a large batch do not exist all at a time, and each message fails by the call
// of its own person.
func TestBulkSendsInParts(t *testing.T) {
	t.Parallel()
	p := &batchedProfiles{}
	errs, whole := handledCrowd(t, p)
	if want := []int{10_000, 10_000, 5_000}; whole != nil || !slices.Equal(p.sizes, want) || len(p.calls) != 25_000 {
		t.Fatalf("error %v, %d calls in batches of %v, want 25,000 in %v", whole, len(p.calls), p.sizes, want)
	}
	for i, err := range errs {
		if want := i%10 == 7; (err != nil) != want {
			t.Fatalf("message %d of person %d: %v, want a failure: %t", i, i%25_000, err, want)
		}
	}
}

// An outage that begins after the first part fails the whole batch, and ends the sending.
func TestBulkInAnOutageOfAPart(t *testing.T) {
	t.Parallel()
	p := &batchedProfiles{outage: 2}
	if _, whole := handledCrowd(t, p); !fault.IsOutage(whole) || len(p.sizes) != 2 {
		t.Errorf("error %v after %d batches, want the outage after 2", whole, len(p.sizes))
	}
}

// A folded message keeps nothing of its contents. A message of a traced call keeps the
// words of its span.
func TestBulkDropsContents(t *testing.T) {
	t.Parallel()
	batch := attempts(emailEvent("opened", "joe", occurred), emailEvent("opened", "sue", occurred))
	for i := range batch {
		batch[i].ID, batch[i].Subject = "evt", "cio.events.acme.email.opened"
	}
	batch[1].TraceParent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	take := engagement(&fakeProfiles{}).Gather()
	for i := range batch {
		take(&batch[i])
	}
	if a := &batch[0]; a.Body != nil || a.ID != "" || a.Workspace != "" || a.Subject != "" || a.Work == nil {
		t.Errorf("contents are kept: %+v", a)
	}
	if a := &batch[1]; a.Body != nil || a.ID != "evt" || a.Workspace != "acme" || a.TraceParent == "" {
		t.Errorf("the words of the span are missing: %+v", a)
	}
}
