package worker_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/cioevents/cioevents/internal/effect"
	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/fault"
	"github.com/cioevents/cioevents/internal/worker"
)

// A plenty is a source whose fetches return parts of the given sizes. The run ends after
// the last part.
type plenty struct {
	j        *journal
	parts    []int // what each fetch finds, at most what it asks for
	size     int   // of a body
	takes    time.Duration
	asked    []event.Limits
	sequence uint64
	end      context.CancelFunc
}

func (s *plenty) Fetch(ctx context.Context, l event.Limits) ([]event.Attempt, error) {
	s.asked = append(s.asked, l)
	if len(s.parts) == 0 {
		s.end()
		return nil, ctx.Err()
	}
	<-time.After(s.takes)
	batch := make([]event.Attempt, min(s.parts[0], l.Messages))
	s.parts = s.parts[1:]
	for i := range batch {
		s.sequence++
		batch[i] = event.Attempt{
			Stored: &event.Stored{Message: event.Message{Body: make([]byte, s.size)}}, Number: 1 + int(s.sequence%2),
			Sequence: s.sequence, Settle: fakeSettler{s.j, s.sequence},
		}
	}
	return batch, nil
}

// gatherer drops the bodies of messages. gatherer records the number of messages and of
// remaining bodies in each batch.
type gatherer struct{ messages, bodies []int }

func (g *gatherer) Gather() func(*event.Attempt) {
	return func(a *event.Attempt) { a.Work, a.Body = g, nil }
}

func (g *gatherer) Handle(_ context.Context, batch []event.Attempt, _ func(int, error)) error {
	bodies := 0
	for i := range batch {
		if batch[i].Body != nil {
			bodies++
		}
	}
	g.messages, g.bodies = append(g.messages, len(batch)), append(g.bodies, bodies)
	return nil
}

// gathered runs a consumer of large batches.
func gathered(t *testing.T, g *gatherer, s *plenty, l event.Limits) {
	t.Helper()
	gatheredBy(t, g, s, l, nil)
}

func gatheredBy(t *testing.T, g *gatherer, s *plenty, l event.Limits, tracer trace.Tracer) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	s.j, s.end = &journal{waits: map[uint64]time.Duration{}}, cancel
	c, err := worker.New(worker.Config{
		Name: "c", Source: s, Handler: g, DeadLetters: &fakeDeadLetters{j: s.j}, State: newFakeState(), Limits: l,
		Gate: gateFunc(func(context.Context) error { return nil }), Tracer: tracer,
	})
	if err != nil {
		t.Fatal(err)
	}
	c.Run(ctx)
}

// Bodies are also dropped when batches are traced.
func TestGatherTraced(t *testing.T) {
	t.Parallel()
	g, s := &gatherer{}, &plenty{parts: []int{100, 0}, size: 100}
	gatheredBy(t, g, s, event.Limits{Messages: 1000, Linger: time.Second}, sdktrace.NewTracerProvider().Tracer("test"))
	if !slices.Equal(g.messages, []int{100}) || !slices.Equal(g.bodies, []int{50}) {
		t.Errorf("batches of %v messages with %v bodies, want one of 100 with those of the 50 second attempts", g.messages, g.bodies)
	}
}

// A large batch is fetched in parts until a part is not full. Only the bodies of
// repeated attempts are kept.
func TestGather(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		parts []int
		want  []int
	}{
		{"until a part is short", []int{5_000, 5_000, 500, 5_000, 0}, []int{10_500, 5_000}},
		{"until there are enough", []int{5_000, 5_000, 5_000, 5_000}, []int{12_500, 5_000}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g, s := &gatherer{}, &plenty{parts: tt.parts, size: 100}
			gathered(t, g, s, event.Limits{Messages: 12_500, Bytes: 1 << 30, Linger: time.Second})
			half := make([]int, len(g.messages))
			for i, n := range g.messages {
				half[i] = n / 2
			}
			if !slices.Equal(g.messages, tt.want) || !slices.Equal(g.bodies, half) {
				t.Errorf("batches of %v messages with %v bodies, want %v with half as many", g.messages, g.bodies, tt.want)
			}
			// Only the first part may wait for long.
			if s.asked[0].Wait != 0 || s.asked[1].Wait != time.Second {
				t.Errorf("waits of %v and %v, want none and 1s", s.asked[0].Wait, s.asked[1].Wait)
			}
		})
	}
}

func TestGatherIsBounded(t *testing.T) {
	t.Parallel()
	g, s := &gatherer{}, &plenty{parts: []int{5_000, 5_000, 5_000}, size: 100}
	gathered(t, g, s, event.Limits{Messages: 100_000, Bytes: 300_000})
	if want := []int{10_000, 5_000}; !slices.Equal(g.messages, want) {
		t.Errorf("batches of %v messages, want %v: half of a part's bodies are 250,000 bytes", g.messages, want)
	}
	if s.asked[0].Bytes != 300_000 || s.asked[1].Bytes != 50_000 {
		t.Errorf("asked for %d and %d bytes", s.asked[0].Bytes, s.asked[1].Bytes)
	}
	synctest.Test(t, func(t *testing.T) {
		g, s := &gatherer{}, &plenty{parts: slices.Repeat([]int{5_000}, 9), takes: 3 * time.Second}
		gathered(t, g, s, event.Limits{Messages: 1_000_000})
		if want := []int{20_000, 20_000, 5_000}; !slices.Equal(g.messages, want) {
			t.Errorf("batches of %v messages, want %v", g.messages, want)
		}
	})
}

// Folding during the fetch makes the same calls as folding in Handle, also when the
// batch is handled twice and in parts.
func TestBulkGathers(t *testing.T) {
	t.Parallel()
	var bodies [][]byte
	for i := range 40 {
		metric := []string{"opened", "clicked", "spammed"}[i%3]
		bodies = append(bodies, emailEvent(metric, fmt.Sprint("p", i%7), occurred.Add(time.Duration(i*37%50)*time.Second)))
	}
	profiles := func(gather bool) []effect.Call {
		p := &fakeProfiles{}
		h, batch := engagement(p), attempts(bodies...)
		if gather {
			take := h.Gather()
			for i := range batch {
				take(&batch[i])
			}
			if batch[0].Body != nil || batch[2].Work == nil {
				t.Error("bodies are kept")
			}
			handled(t, h, batch[:3])
		}
		p.calls = nil
		if _, whole := handled(t, h, batch); whole != nil {
			t.Fatal(whole)
		}
		slices.SortFunc(p.calls, func(a, b effect.Call) int { return strings.Compare(a.Person.Value, b.Person.Value) })
		return p.calls
	}
	if diff := cmp.Diff(profiles(false), profiles(true)); diff != "" {
		t.Errorf("calls (-at once +gathered):\n%s", diff)
	}
}

func TestBulkGathersNoFailures(t *testing.T) {
	t.Parallel()
	p := &fakeProfiles{}
	h := engagement(p)
	batch := attempts([]byte(`{`), emailEvent("opened", "joe", occurred))
	batch[1].Workspace = "globex"
	take := h.Gather()
	for i := range batch {
		take(&batch[i])
		if batch[i].Body == nil || batch[i].Work != nil {
			t.Errorf("message %d has lost its body", i)
		}
	}
	h.Plan = nil // panics
	batch[1].Workspace = "acme"
	h.Gather()(&batch[1])
	if batch[1].Body == nil {
		t.Error("a message that makes the plan panic has lost its body")
	}
}

// A dead letter has a body: a message without a body is fetched again.
func TestDeadLetterKeepsItsBody(t *testing.T) {
	t.Parallel()
	s := newScene(1, 2)
	s.batch[0].Work, s.batch[0].Body = s, nil
	s.run(t, failing(fault.Permanent(fault.ReasonRejected, errAway)))
	s.expect(t, "retry 1", "dead-letter 2 rejected", "term 2 rejected")
	s.between(t, 1, 0, 0)
}
