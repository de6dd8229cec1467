package telemetry

import (
	"context"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// queueSize is the number of spans that may wait for the collector. At some
// 1.5 kB a span they take 6 MB, which fits into the 160 MiB that ingest allows
// the Go runtime.
const queueSize = 4096

// A queue is the SDK's batch processor with a count of lost spans, which the SDK does
// not report.
type queue struct {
	sdktrace.SpanProcessor
	outlet *outlet
}

func newQueue(exporter sdktrace.SpanExporter, log zerolog.Logger, reg prometheus.Registerer) *queue {
	dropped := prometheus.NewCounter(prometheus.CounterOpts{
		Name: "cioevents_trace_spans_dropped_total",
		Help: "Spans lost because the collector did not accept them or the queue was full.",
	})
	reg.MustRegister(dropped)
	o := &outlet{SpanExporter: exporter, dropped: dropped, log: log}
	return &queue{sdktrace.NewBatchSpanProcessor(o, sdktrace.WithMaxQueueSize(queueSize)), o}
}

// OnEnd queues a span, or drops the span when the queue is full. OnEnd does not wait.
func (q *queue) OnEnd(s sdktrace.ReadOnlySpan) {
	if !s.SpanContext().IsSampled() {
		return
	}
	if q.outlet.waiting.Add(1) > queueSize {
		q.outlet.waiting.Add(-1)
		q.outlet.dropped.Inc()
		return
	}
	q.SpanProcessor.OnEnd(s)
}

// An outlet is an exporter that counts and logs its failures instead of returning
// errors.
type outlet struct {
	sdktrace.SpanExporter
	waiting atomic.Int64 // ended spans without those of batches on their way
	dropped prometheus.Counter
	log     zerolog.Logger
}

// ExportSpans sends a batch. It always returns nil.
func (o *outlet) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	o.waiting.Add(-int64(len(spans)))
	if err := o.SpanExporter.ExportSpans(ctx, spans); err != nil {
		o.dropped.Add(float64(len(spans)))
		o.log.Warn().Err(err).Int("spans", len(spans)).Msg("collector does not accept traces, spans lost")
	}
	return nil
}
