package worker_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/fault"
	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/worker"
)

// A stagingHandler fails message 2, and the others become durable when the wait returns nil.
type stagingHandler struct {
	handlerFunc
	j    *journal
	wait func(context.Context) error
}

func (h stagingHandler) Stage(_ context.Context, _ []event.Attempt, fail func(int, error)) (func(context.Context) error, error) {
	fail(1, fault.Permanent(fault.ReasonRejected, errAway))
	return h.wait, h.j.add("staged")
}

// stage runs a scene with a full batch of three messages.
func stage(t *testing.T, change func(*scene), wait func(*scene, context.Context) error) *scene {
	t.Helper()
	s := newScene(1, 1, 1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	handled := func(context.Context, []event.Attempt, func(int, error)) error { return s.j.add("handled") }
	var held func(context.Context) error
	if wait != nil {
		held = func(ctx context.Context) error { return wait(s, ctx) }
	}
	s.cfg = worker.Config{
		Name: "c", Handler: stagingHandler{handled, s.j, held}, DeadLetters: s.dead, State: s.state,
		Source: &fakeSource{batch: s.batch, end: cancel}, Limits: event.Limits{Messages: 3}, MaxHeld: 3,
	}
	change(s)
	c, err := worker.New(s.cfg)
	if err != nil {
		t.Fatal(err)
	}
	c.Run(ctx)
	return s
}

// Messages are acknowledged when their effects are durable. A message that cannot be handled
// does not wait for the others.
func TestStagedBatch(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*scene){
		"untraced": func(*scene) {},
		"traced":   func(s *scene) { s.cfg.Tracer = noop.NewTracerProvider().Tracer("") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := stage(t, change, func(s *scene, _ context.Context) error {
					<-time.After(12 * time.Second)
					return s.j.add("durable")
				})
				s.expect(t, "staged", "dead-letter 2 rejected", "term 2 rejected", "extend 1", "extend 3", "durable", "ack 1", "acksync 3")
			})
		})
	}
}

// A sink may store a staged batch at once.
func TestStagedBatchIsDurableAtOnce(t *testing.T) {
	t.Parallel()
	s := stage(t, func(*scene) {}, nil)
	s.expect(t, "staged", "dead-letter 2 rejected", "term 2 rejected", "ack 1", "acksync 3")
}

// More messages are on their way only after a full batch.
func TestSmallBatchIsNotStaged(t *testing.T) {
	t.Parallel()
	s := stage(t, func(s *scene) { s.cfg.Limits.Messages = 4 }, nil)
	s.expect(t, "handled", "ack 1", "ack 2", "acksync 3")
}

// Messages that wait for a commit count as pending, and the stream delivers no more than
// MAX_ACK_PENDING.
func TestTooManyHeldMessages(t *testing.T) {
	t.Parallel()
	s := stage(t, func(s *scene) { s.cfg.MaxHeld = 2 }, nil)
	s.expect(t, "handled", "ack 1", "ack 2", "acksync 3")
}

// Messages of a failed group are delivered again, soon.
func TestStagedBatchFails(t *testing.T) {
	t.Parallel()
	s := stage(t, func(*scene) {}, func(*scene, context.Context) error { return errAway })
	s.expect(t, "staged", "dead-letter 2 rejected", "term 2 rejected", "retry 1", "retry 3")
	s.between(t, 1, 0, time.Second)
}

// A group that does not end in the grace of a stopping worker goes to another worker.
func TestStagedBatchAtTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := stage(t, func(*scene) {}, func(_ *scene, ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		})
		if n := len(s.j.lines); n < 2 || s.j.lines[n-2] != "retry 1" || s.j.lines[n-1] != "retry 3" || s.j.waits[1] != 0 {
			t.Errorf("happened: %q, message 1 waits %v", s.j.lines, s.j.waits[1])
		}
	})
}

// groupSink is a fakeSink whose rows become durable with the group.
type groupSink struct {
	fakeSink
	group *warehouse.Group
}

func (s *groupSink) Stage(ctx context.Context, rows []warehouse.Row) (warehouse.Result, *warehouse.Group, error) {
	result, err := s.Write(ctx, rows)
	return result, s.group, err
}

// Rows count when they are durable, and never before.
func TestRowsOfAGroupCount(t *testing.T) {
	t.Parallel()
	for _, cause := range []error{nil, errAway} {
		sink := &groupSink{group: warehouse.NewGroup()}
		sink.result = warehouse.Result{Inserted: 1}
		reg := prometheus.NewRegistry()
		h := worker.NewRows("warehouse", sink, worker.NewMetrics(reg))
		wait, err := h.Stage(t.Context(), attempts(emailEvent("sent", "joe", occurred)), func(int, error) {})
		if err != nil || wait == nil {
			t.Fatalf("wait is nil: %v, error %v", wait == nil, err)
		}
		inserted := func() float64 { return insertedRows(t, reg) }
		before := inserted()
		sink.group.End(cause)
		if err := wait(t.Context()); !errors.Is(err, cause) {
			t.Errorf("wait returned %v, want %v", err, cause)
		}
		want := 1.0
		if cause != nil {
			want = 0
		}
		if after := inserted(); before != 0 || after != want {
			t.Errorf("with %v: %v rows before, %v after, want 0 and %v", cause, before, after, want)
		}
	}
}

func insertedRows(t *testing.T, reg *prometheus.Registry) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if f.GetName() == "cioevents_warehouse_rows_total" && l.GetValue() == "inserted" {
					return m.GetCounter().GetValue()
				}
			}
		}
	}
	t.Fatal("no metric of inserted rows")
	return 0
}

// A slowSettler's server confirms nothing for five seconds.
type slowSettler struct{ fakeSettler }

func (s slowSettler) AckSync() error {
	<-time.After(5 * time.Second)
	return errAway
}

// Without NATS, the batches of a group wait for their confirmations at the same time.
func TestHeldBatchesEndTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScene(1, 1, 1, 1, 1, 1)
		for i := range s.batch {
			s.batch[i].Settle = slowSettler{s.batch[i].Settle.(fakeSettler)}
		}
		ctx, cancel := context.WithCancel(t.Context())
		handled := func(context.Context, []event.Attempt, func(int, error)) error { return nil }
		c, err := worker.New(worker.Config{
			Name: "c", Handler: onlyStaging{handled}, DeadLetters: s.dead, State: s.state,
			Source: &limitsSource{batch: s.batch, end: cancel}, Limits: event.Limits{Messages: 1}, MaxHeld: 100,
		})
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		c.Run(ctx)
		if took := time.Since(start); took > 6*time.Second {
			t.Errorf("Run ended after %v", took)
		}
	})
}

// onlyStaging's effects are durable as soon as somebody waits.
type onlyStaging struct{ handlerFunc }

func (onlyStaging) Stage(context.Context, []event.Attempt, func(int, error)) (func(context.Context) error, error) {
	return func(context.Context) error { return nil }, nil
}
