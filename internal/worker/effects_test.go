package worker_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/effect"
	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/fault"
	"github.com/cioevents/cioevents/internal/worker"
	"github.com/cioevents/cioevents/pkg/webhook"
)

var occurred = time.Unix(1755600006, 0)

// fakeProfiles records the calls and returns the errors of fn.
type fakeProfiles struct {
	mu    sync.Mutex
	calls []effect.Call
	fn    func(effect.Call) error
	whole error // of a batch
}

func (p *fakeProfiles) Apply(_ context.Context, call effect.Call) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls = append(p.calls, call)
	if p.fn == nil {
		return nil
	}
	return p.fn(call)
}

func (p *fakeProfiles) ApplyBatch(ctx context.Context, calls iter.Seq[effect.Call], fail func(int, error)) error {
	for i, call := range slices.Collect(calls) {
		if err := p.Apply(ctx, call); err != nil {
			fail(i, err)
		}
	}
	return p.whole
}

func (p *fakeProfiles) kinds() []effect.Kind {
	var kinds []effect.Kind
	for _, c := range p.calls {
		kinds = append(kinds, c.Kind)
	}
	return kinds
}

// emailEvent is the body of an e-mail event about a person.
func emailEvent(metric, customer string, at time.Time) []byte {
	return fmt.Appendf(nil, `{"event_id":"%s-%s-%d","object_type":"email","metric":%q,"timestamp":%d,"data":{"customer_id":%q}}`,
		metric, customer, at.Unix(), metric, at.Unix(), customer)
}

func attempts(bodies ...[]byte) []event.Attempt {
	batch := make([]event.Attempt, len(bodies))
	for i, body := range bodies {
		batch[i] = event.Attempt{Number: 1, Stored: &event.Stored{Message: event.Message{Workspace: "acme", Body: body, ReceivedAt: occurred}}}
	}
	return batch
}

// handled calls Handle and returns the error of each message.
func handled(t *testing.T, h worker.Handler, batch []event.Attempt) (errs []error, whole error) {
	t.Helper()
	errs = make([]error, len(batch))
	var mu sync.Mutex
	whole = h.Handle(t.Context(), batch, func(i int, err error) {
		mu.Lock()
		defer mu.Unlock()
		if errs[i] != nil {
			t.Errorf("message %d fails twice", i)
		}
		errs[i] = err
	})
	return errs, whole
}

func suppression(p *fakeProfiles) *worker.Effects {
	return &worker.Effects{Plan: effect.Policy{}.Suppression, Workspace: "acme", Profiles: p}
}

func reasonOf(err error) fault.Reason {
	reason, _ := fault.PermanentReason(err)
	return reason
}

func TestEffectsInTheirOrder(t *testing.T) {
	t.Parallel()
	p := &fakeProfiles{}
	errs, whole := handled(t, suppression(p), attempts(emailEvent("spammed", "joe", occurred)))
	if whole != nil || errs[0] != nil {
		t.Errorf("errors %v, %v", errs, whole)
	}
	if want := []effect.Kind{effect.Identify, effect.Suppress}; !slices.Equal(p.kinds(), want) {
		t.Errorf("calls %v, want %v", p.kinds(), want)
	}
}

// A backfilled event has no effect, also when an operator has edited a consumer so that the
// event gets here.
func TestBackfilledEventHasNoEffect(t *testing.T) {
	t.Parallel()
	p := &fakeProfiles{}
	body := bytes.Replace(emailEvent("spammed", "joe", occurred), []byte(`"event_id":"`), []byte(`"event_id":"backfill:`), 1)
	errs, whole := handled(t, suppression(p), attempts(body))
	if whole != nil || errs[0] != nil || len(p.calls) != 0 {
		t.Errorf("errors %v, %v, calls %v, want none", errs, whole, p.kinds())
	}
}

// After a transient failure of the first call the second call is not made: the retry
// makes both calls.
func TestEffectsStopAtAPassingFault(t *testing.T) {
	t.Parallel()
	p := &fakeProfiles{fn: func(effect.Call) error { return errAway }}
	errs, whole := handled(t, suppression(p), attempts(emailEvent("spammed", "joe", occurred)))
	if _, named := fault.RetryWait(errs[0]); whole != nil || !named || !errors.Is(errs[0], errAway) {
		t.Errorf("errors %v, %v, want a retry with a wait", errs, whole)
	}
	if want := []effect.Kind{effect.Identify}; !slices.Equal(p.kinds(), want) {
		t.Errorf("calls %v, want %v", p.kinds(), want)
	}
}

// A complaint suppresses the person even when its note is refused for good.
func TestEffectsGoOnAfterARefusal(t *testing.T) {
	t.Parallel()
	p := &fakeProfiles{fn: func(c effect.Call) error {
		if c.Kind == effect.Identify {
			return fault.Permanent(fault.ReasonRejected, errAway)
		}
		return nil
	}}
	errs, _ := handled(t, suppression(p), attempts(emailEvent("spammed", "joe", occurred)))
	if reasonOf(errs[0]) != fault.ReasonRejected {
		t.Errorf("error %v, want rejected", errs[0])
	}
	if want := []effect.Kind{effect.Identify, effect.Suppress}; !slices.Equal(p.kinds(), want) {
		t.Errorf("calls %v, want %v", p.kinds(), want)
	}
}

// An outage fails the batch and keeps its wait, so no attempt is used up.
func TestEffectsInAnOutage(t *testing.T) {
	t.Parallel()
	p := &fakeProfiles{fn: func(effect.Call) error { return fault.Outage(3*time.Second, errAway) }}
	_, whole := handled(t, suppression(p), attempts(emailEvent("spammed", "joe", occurred), emailEvent("spammed", "sue", occurred)))
	if wait, _ := fault.RetryWait(whole); !fault.IsOutage(whole) || wait != 3*time.Second {
		t.Errorf("error %v, want the outage", whole)
	}
}

func TestEffectsGiveUp(t *testing.T) {
	t.Parallel()
	p := &fakeProfiles{fn: func(effect.Call) error { panic("a bug") }}
	batch := attempts([]byte(`{`), []byte(`[]`), emailEvent("spammed", "joe", occurred), emailEvent("spammed", "joe", occurred), emailEvent("sent", "joe", occurred))
	batch[2].Workspace = "globex"
	errs, whole := handled(t, suppression(p), batch)
	want := []fault.Reason{fault.ReasonNotJSON, fault.ReasonNotObject, fault.ReasonUnknownWorkspace, fault.ReasonPanic, ""}
	for i := range want {
		if reasonOf(errs[i]) != want[i] {
			t.Errorf("message %d: %v, want %s", i, errs[i], want[i])
		}
	}
	if whole != nil || len(p.calls) != 1 {
		t.Errorf("error %v, %d calls, want none and 1", whole, len(p.calls))
	}
	if text := fmt.Sprint(errs[3]); !strings.Contains(text, "effects_test.go") {
		t.Errorf("the error does not say where the panic was: %s", text)
	}
}

func engagement(p *fakeProfiles) *worker.Bulk {
	return &worker.Bulk{Plan: effect.Policy{}.Engagement, Workspace: "acme", Profiles: p}
}

func TestBulkFoldsToTheLatest(t *testing.T) {
	t.Parallel()
	p := &fakeProfiles{}
	_, whole := handled(t, engagement(p), attempts(
		emailEvent("opened", "joe", occurred.Add(2*time.Second)),
		emailEvent("clicked", "joe", occurred.Add(5*time.Second)),
		emailEvent("opened", "joe", occurred.Add(3*time.Second)),
	))
	if whole != nil || len(p.calls) != 1 {
		t.Fatalf("error %v, calls %+v, want 1 call", whole, p.calls)
	}
	c := p.calls[0]
	if at := occurred.Add(5 * time.Second); c.At.Unix() != at.Unix() || c.Attributes["last_email_metric"] != "clicked" || c.Attributes["last_email_engaged_at"] != at.Unix() {
		t.Errorf("update %+v, want the update of the click", c)
	}
}

// Each attribute keeps its own time. A later time of another attribute would protect
// the value against newer values.
func TestBulkFoldsAttributeByAttribute(t *testing.T) {
	t.Parallel()
	p := &fakeProfiles{}
	h := engagement(p)
	h.Plan = func(e *webhook.Event, _ time.Time) []effect.Call {
		person, _ := effect.PersonOf(e)
		return []effect.Call{{
			Kind: effect.Identify, Person: person, At: e.OccurredAt,
			Attributes: map[string]any{"last_" + string(e.Metric): e.OccurredAt.Unix()},
		}}
	}
	_, whole := handled(t, h, attempts(
		emailEvent("opened", "joe", occurred), emailEvent("clicked", "joe", occurred.Add(time.Second)),
		emailEvent("opened", "joe", occurred.Add(-time.Second)),
	))
	if whole != nil || len(p.calls) != 2 {
		t.Fatalf("error %v, calls %+v, want 2", whole, p.calls)
	}
	for _, c := range p.calls {
		for name, value := range c.Attributes {
			if value != c.At.Unix() {
				t.Errorf("%s = %v in an update of %d", name, value, c.At.Unix())
			}
		}
	}
}

// When the update of a person fails, exactly the events about that person fail.
func TestBulkFailsOnePerson(t *testing.T) {
	t.Parallel()
	for _, cause := range []error{fault.Permanent(fault.ReasonRejected, errAway), errAway} {
		p := &fakeProfiles{fn: func(c effect.Call) error {
			if c.Person.Value == "joe" {
				return cause
			}
			return nil
		}}
		errs, whole := handled(t, engagement(p), attempts(
			emailEvent("opened", "joe", occurred), emailEvent("opened", "sue", occurred),
			emailEvent("clicked", "joe", occurred), emailEvent("sent", "joe", occurred), []byte(`{`),
		))
		for i, fails := range []bool{true, false, true, false, true} {
			if (errs[i] != nil) != fails {
				t.Errorf("message %d: %v, want failure %v", i, errs[i], fails)
			}
		}
		_, named := fault.RetryWait(errs[0])
		if whole != nil || reasonOf(errs[0]) == "" && !named {
			t.Errorf("errors %v, %v: a transient fault needs a wait", errs[0], whole)
		}
	}
}

func TestBulkInAnOutage(t *testing.T) {
	t.Parallel()
	_, whole := handled(t, engagement(&fakeProfiles{whole: fault.Outage(time.Second, errAway)}), attempts(emailEvent("opened", "joe", occurred)))
	if !fault.IsOutage(whole) {
		t.Errorf("error %v, want the outage", whole)
	}
}

// Track events are not folded, and a suppression comes after all other calls.
func TestBulkKeepsWhatCannotBeFolded(t *testing.T) {
	t.Parallel()
	p := &fakeProfiles{}
	h := engagement(p)
	h.Plan = func(e *webhook.Event, _ time.Time) []effect.Call {
		person, _ := effect.PersonOf(e)
		kind := effect.Track
		if e.Metric == webhook.Spammed {
			kind = effect.Suppress
		}
		return []effect.Call{{Kind: kind, Person: person, At: e.OccurredAt, Event: "seen", ID: e.ID}}
	}
	_, whole := handled(t, h, attempts(
		emailEvent("spammed", "joe", occurred), emailEvent("opened", "joe", occurred), emailEvent("clicked", "joe", occurred),
	))
	if want := []effect.Kind{effect.Track, effect.Track, effect.Suppress}; whole != nil || !slices.Equal(p.kinds(), want) {
		t.Errorf("error %v, calls %v, want %v", whole, p.kinds(), want)
	}
}
