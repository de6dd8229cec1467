package worker_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cioevents/cioevents/internal/effect"
	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/fault"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
	"github.com/cioevents/cioevents/internal/worker"
)

// bounces returns messages of hard bounces of the people from first on.
func bounces(first, n int) []event.Attempt {
	var bodies [][]byte
	for i := first; i < first+n; i++ {
		bodies = append(bodies, fmt.Appendf(nil,
			`{"event_id":"b%d","object_type":"email","metric":"bounced","timestamp":1755600006,"data":{"customer_id":"p%d","failure_message":"550 5.1.1 no such user"}}`, i, i))
	}
	batch := attempts(bodies...)
	for i := range batch {
		_ = batch[i].Index()
		batch[i].Workspace = "acme"
	}
	return batch
}

func limited(p *fakeProfiles, s worker.State, perHour int) *worker.Effects {
	h := suppression(p)
	h.Limit = &worker.SuppressionLimit{PerHour: perHour, Workspace: "acme", State: s}
	return h
}

// suppressed returns the sorted people with a suppression.
func (p *fakeProfiles) suppressed() []string {
	var list []string
	for _, c := range p.calls {
		if c.Kind == effect.Suppress {
			list = append(list, c.Person.Value)
		}
	}
	slices.Sort(list)
	return list
}

func heldOf(errs []error) (n int) {
	for _, err := range errs {
		if reasonOf(err) == fault.ReasonHeldSuppression {
			n++
		}
	}
	return n
}

// Beyond the limit the attributes are set and the suppression is held. Complaints and
// opt-outs are not counted and never held.
func TestSuppressionLimit(t *testing.T) {
	t.Parallel()
	p, s := &fakeProfiles{}, newFakeState()
	h := limited(p, s, 3)
	batch := append(bounces(0, 5), attempts(
		emailEvent("spammed", "spammer", occurred), emailEvent("unsubscribed", "leaver", occurred))...)
	errs, whole := handled(t, h, batch)
	if whole != nil || heldOf(errs) != 2 || heldOf(errs[3:5]) != 2 {
		t.Errorf("errors %v, %v, want the last two bounces held", errs, whole)
	}
	if !strings.Contains(errs[4].Error(), "SUPPRESSION_LIMIT") || !strings.Contains(errs[4].Error(), "cioctl dead redrive --reason held_suppression") {
		t.Errorf("error %q does not say what to do", errs[4])
	}
	if want := []string{"p0", "p1", "p2", "spammer"}; !slices.Equal(p.suppressed(), want) {
		t.Errorf("suppressed %v, want %v", p.suppressed(), want)
	}
	if n := len(p.calls) - len(p.suppressed()); n != 7 {
		t.Errorf("%d updates, want one for each event", n)
	}
	if s.calls != 1 {
		t.Errorf("%d changes of the bucket for a batch, want 1", s.calls)
	}
}

// Without bounces that suppress, the bucket is not asked.
func TestLimitAsksForBouncesOnly(t *testing.T) {
	t.Parallel()
	s := newFakeState()
	s.err = errAway
	soft := strings.Replace(string(bounces(0, 1)[0].Body), "550 5.1.1 no such user", "452 4.2.2 over quota", 1)
	batch := attempts(emailEvent("spammed", "joe", occurred), emailEvent("unsubscribed", "joe", occurred), []byte(soft), []byte("no JSON"))
	errs, whole := handled(t, limited(&fakeProfiles{}, s, 1), batch)
	if whole != nil || errs[0] != nil || errs[1] != nil || errs[2] != nil || reasonOf(errs[3]) != fault.ReasonNotJSON {
		t.Errorf("errors %v, %v", errs, whole)
	}
	for _, mode := range []effect.Mode{effect.ModeUnsubscribe, effect.ModeOff} {
		h := limited(&fakeProfiles{}, s, 1)
		h.Plan = effect.Policy{Mode: mode}.Suppression
		if errs, whole := handled(t, h, bounces(0, 3)); whole != nil || errors.Join(errs...) != nil {
			t.Errorf("%s: errors %v, %v", mode, errs, whole)
		}
	}
	dry := &worker.LogOnly{Plan: effect.Policy{}.Suppression, Workspace: "acme"}
	if errs, whole := handled(t, dry, bounces(0, 3)); whole != nil || errors.Join(errs...) != nil {
		t.Errorf("dry run: errors %v, %v", errs, whole)
	}
	if s.calls != 0 {
		t.Errorf("the bucket was asked %d times", s.calls)
	}
}

// A rule of a file that suppresses on a bounce counts, and on another metric does not.
func TestLimitOfAFile(t *testing.T) {
	t.Parallel()
	rules, err := effect.Parse("f", []byte(`
version: 1
rules:
  - name: any-bounce
    when: {object_type: email, metric: [bounced, dropped]}
    suppress: true
`))
	if err != nil {
		t.Fatal(err)
	}
	p := &fakeProfiles{}
	h := limited(p, newFakeState(), 1)
	h.Plan = effect.Policy{Rules: rules}.Suppression
	batch := append(bounces(0, 2), attempts(emailEvent("dropped", "d", occurred), emailEvent("dropped", "e", occurred))...)
	errs, whole := handled(t, h, batch)
	if want := []string{"d", "e", "p0"}; whole != nil || heldOf(errs) != 1 || !slices.Equal(p.suppressed(), want) {
		t.Errorf("errors %v, %v; suppressed %v, want %v", errs, whole, p.suppressed(), want)
	}
}

// A retry counts once, by whichever worker, and also while the limit is reached.
func TestRetryCountsOnce(t *testing.T) {
	t.Parallel()
	s := newFakeState()
	failing := &fakeProfiles{fn: func(effect.Call) error { return errAway }}
	for range 3 {
		errs, _ := handled(t, limited(failing, s, 2), bounces(0, 2))
		if heldOf(errs) != 0 || errs[0] == nil {
			t.Fatalf("errors %v, want transient ones", errs)
		}
	}
	p := &fakeProfiles{}
	errs, _ := handled(t, limited(p, s, 2), bounces(0, 3))
	if errs[0] != nil || errs[1] != nil || reasonOf(errs[2]) != fault.ReasonHeldSuppression {
		t.Errorf("errors %v, want the third bounce held", errs)
	}
}

// The limit is for any 60 minutes, not for an hour of the clock.
func TestLimitSlides(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newFakeState()
		for i, step := range []struct {
			after time.Duration
			held  int
		}{{0, 0}, {50 * time.Minute, 2}, {9 * time.Minute, 4}, {2 * time.Minute, 2}, {49 * time.Minute, 2}} {
			<-time.After(step.after)
			errs, _ := handled(t, limited(&fakeProfiles{}, s, 4), bounces(100*i, map[bool]int{true: 2, false: 4}[i == 0]))
			if heldOf(errs) != step.held {
				t.Errorf("step %d: %d held, want %d", i, heldOf(errs), step.held)
			}
		}
	})
}

// Without a count nothing irreversible happens, and the event is retried for as long as
// it takes.
func TestBucketIsAway(t *testing.T) {
	t.Parallel()
	p, s := &fakeProfiles{}, newFakeState()
	s.err = errAway
	batch := append(bounces(0, 1), attempts(emailEvent("spammed", "spammer", occurred))...)
	batch[0].Number = 500
	errs, whole := handled(t, limited(p, s, 10), batch)
	if whole != nil || !fault.IsOutage(errs[0]) || errs[1] != nil {
		t.Errorf("errors %v, %v, want an outage of the bounce alone", errs, whole)
	}
	if want := []string{"spammer"}; !slices.Equal(p.suppressed(), want) {
		t.Errorf("suppressed %v, want %v", p.suppressed(), want)
	}
}

// A suppression that an operator has released skips the limit and is not counted.
func TestReleasedSuppression(t *testing.T) {
	t.Parallel()
	p, s := &fakeProfiles{}, newFakeState()
	batch := bounces(0, 3)
	for i := range batch {
		batch[i].Released = true
	}
	if errs, whole := handled(t, limited(p, s, 1), batch); whole != nil || errors.Join(errs...) != nil || len(p.suppressed()) != 3 {
		t.Errorf("errors %v, %v; suppressed %v", errs, whole, p.suppressed())
	}
	if s.calls != 0 {
		t.Error("a released suppression was counted")
	}
}

// A refused update does not hide that the suppression is held: the redrive must release
// the suppression.
func TestHeldAndRefused(t *testing.T) {
	t.Parallel()
	p := &fakeProfiles{fn: func(effect.Call) error { return fault.Permanent(fault.ReasonRejected, errAway) }}
	h := limited(p, newFakeState(), 1)
	_, _ = handled(t, h, bounces(0, 1))
	errs, _ := handled(t, h, bounces(1, 1))
	if reasonOf(errs[0]) != fault.ReasonHeldSuppression || !errors.Is(errs[0], errAway) {
		t.Errorf("error %v", errs[0])
	}
}

// Workers that count at the same time never exceed the limit, and use it up.
func TestWorkersCountTogether(t *testing.T) {
	t.Parallel()
	conn := streamtest.Start(t).Connect(stream.Settings{})
	if _, err := conn.CreateState(t.Context(), stream.Settings{}); err != nil {
		t.Fatal(err)
	}
	p := &fakeProfiles{}
	var workers sync.WaitGroup
	for w := range 8 {
		workers.Go(func() {
			h := limited(p, conn.State(), 100)
			for i := range 4 {
				if _, err := handled(t, h, bounces(1000*w+10*i, 10)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	workers.Wait()
	if n := len(p.suppressed()); n != 100 {
		t.Errorf("%d suppressions, want the limit of 100", n)
	}
}

// The largest limit fits into a value of the bucket.
func TestLargestLimit(t *testing.T) {
	t.Parallel()
	conn := streamtest.Start(t).Connect(stream.Settings{})
	if _, err := conn.CreateState(t.Context(), stream.Settings{}); err != nil {
		t.Fatal(err)
	}
	h := limited(&fakeProfiles{}, conn.State(), worker.MaxSuppressionLimit)
	for _, batch := range [][]event.Attempt{bounces(0, worker.MaxSuppressionLimit+1), bounces(worker.MaxSuppressionLimit, 1)} {
		if errs, err := handled(t, h, batch); err != nil || heldOf(errs) != 1 {
			t.Errorf("%d of %d held, %v, %v, want 1", heldOf(errs), len(batch), errs[0], err)
		}
	}
}
