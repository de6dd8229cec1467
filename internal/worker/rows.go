package worker

import (
	"context"
	"slices"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/fault"
	"github.com/cioevents/cioevents/internal/telemetry"
	"github.com/cioevents/cioevents/internal/warehouse"
)

// Rows is the handler that writes events to a warehouse.
type Rows struct {
	// Mail counts the written e-mail events. Default: no count.
	Mail *Mail
	// Guard changes rows before they are written. Its error retries the batch. Default: no
	// change.
	Guard func([]warehouse.Row) error

	sink    warehouse.Sink
	metrics rowMetrics
	failed  prometheus.Counter // failed openings, with the failed batches
	// reuse has the memory of earlier batches, each a *[]warehouse.Row. A row is larger than
	// its body, and new rows for each batch make the garbage collector run twice as often.
	reuse sync.Pool

	mu     sync.Mutex // guards opened
	opened bool
}

// NewRows returns a handler that writes the events of the consumer to the sink.
func NewRows(consumer string, sink warehouse.Sink, m *Metrics) *Rows {
	return &Rows{sink: sink, metrics: m.rowsOf(consumer), failed: m.batchErrors.WithLabelValues(consumer)}
}

// A place is where a row comes from.
type place struct {
	index int                // of the message in the batch
	mail  prometheus.Counter // counts the row once it is written, nil for no count
}

// Handle writes the batch.
func (h *Rows) Handle(ctx context.Context, batch []event.Attempt, fail func(int, error)) error {
	_, err := h.store(ctx, batch, fail, func(ctx context.Context, rows []warehouse.Row) (warehouse.Result, *warehouse.Group, error) {
		result, err := h.sink.Write(ctx, rows)
		return result, nil, err
	})
	return err
}

// Stage writes the batch, together with others if the sink can.
func (h *Rows) Stage(ctx context.Context, batch []event.Attempt, fail func(int, error)) (wait func(context.Context) error, err error) {
	s, ok := h.sink.(warehouse.Stager)
	if !ok {
		return nil, h.Handle(ctx, batch, fail)
	}
	return h.store(ctx, batch, fail, s.Stage)
}

// stage is warehouse.Stager's Stage.
type stage func(context.Context, []warehouse.Row) (warehouse.Result, *warehouse.Group, error)

func (h *Rows) store(ctx context.Context, batch []event.Attempt, fail func(int, error), stage stage) (wait func(context.Context) error, err error) {
	rows, release := h.memory(len(batch))
	defer release()
	places := h.parse(batch, rows, fail)
	if rows = rows[:len(places)]; len(rows) == 0 {
		return nil, nil
	}
	if h.Guard != nil {
		if err := h.Guard(rows); err != nil {
			return nil, err
		}
	}
	result, group, err := h.write(ctx, rows, stage)
	if err != nil {
		return nil, err
	}
	for _, r := range result.Rejected {
		fail(places[r.Index].index, fault.Permanent(fault.ReasonRejectedRow, r.Err))
		places[r.Index].mail = nil
	}
	if group == nil {
		h.count(result, places)
		return nil, nil
	}
	return func(ctx context.Context) error {
		if err := group.Wait(ctx); err != nil {
			return err
		}
		h.count(result, places)
		return nil
	}, nil
}

// parse fills the first rows with the messages that can be parsed, and returns their
// places.
func (h *Rows) parse(batch []event.Attempt, rows []warehouse.Row, fail func(int, error)) []place {
	places := make([]place, 0, len(batch))
	for i := range batch {
		r := &rows[len(places)]
		a := &batch[i]
		err := r.Parse(a.Body, warehouse.Origin{EventID: a.ID, Workspace: a.Workspace, ReceivedAt: a.ReceivedAt, Sequence: a.Sequence})
		if err != nil {
			fail(i, fault.Permanent(event.ParseReason(err), err))
			continue
		}
		places = append(places, place{i, h.Mail.of(a, r)})
	}
	return places
}

func (h *Rows) count(result warehouse.Result, places []place) {
	h.metrics.inserted.Add(float64(result.Inserted))
	h.metrics.duplicates.Add(float64(result.Duplicates))
	h.metrics.rejected.Add(float64(len(result.Rejected)))
	for _, p := range places {
		if p.mail != nil {
			p.mail.Inc()
		}
	}
}

// Open opens the sink, so that the tables exist before the first event. A caller may
// skip Open: Handle opens a sink that is not open. A failed Open counts as a failed
// batch: a caller that waits for Open has no batch that could fail.
func (h *Rows) Open(ctx context.Context) error {
	err := h.open(ctx)
	if err != nil && ctx.Err() == nil {
		h.failed.Inc()
	}
	return err
}

func (h *Rows) open(ctx context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.opened {
		return nil
	}
	if err := h.sink.Open(ctx); err != nil {
		return err
	}
	h.opened = true
	return nil
}

func (h *Rows) write(ctx context.Context, rows []warehouse.Row, stage stage) (warehouse.Result, *warehouse.Group, error) {
	if err := h.open(ctx); err != nil {
		return warehouse.Result{}, nil, err
	}
	ctx, span := telemetry.Child(ctx, "write rows", trace.WithAttributes(attribute.Int("cioevents.rows", len(rows))))
	defer span.End()
	result, group, err := stage(ctx, rows)
	telemetry.Fail(span, problem(err))
	return result, group, err
}

// memory returns n rows without a meaning, and a function that takes the rows back.
func (h *Rows) memory(n int) (rows []warehouse.Row, release func()) {
	earlier, ok := h.reuse.Get().(*[]warehouse.Row)
	if !ok {
		earlier = new([]warehouse.Row)
	}
	*earlier = slices.Grow((*earlier)[:0], n)[:n]
	return *earlier, func() {
		clear(*earlier) // the bodies are garbage now
		h.reuse.Put(earlier)
	}
}
