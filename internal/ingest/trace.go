package ingest

import (
	"context"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/telemetry"
)

// traced calls record inside a server span.
//
// Only a call with a valid signature gets a span: with spans for unsigned calls a
// stranger could fill the collector, and the metrics count unsigned calls anyway. For
// the same reason the traceparent of a signed call can be trusted. Customer.io sends
// no traceparent, so the header comes from the operator's own proxy, and the spans of
// the proxy and of ingest form a single tree.
func (s *Server) traced(ctx context.Context, m *event.Message) (o outcome, err error) {
	ctx = telemetry.WithTraceParent(ctx, m.TraceParent)
	ctx, span := s.cfg.Tracer.Start(ctx, http.MethodPost+" "+Path, trace.WithSpanKind(trace.SpanKindServer))
	defer span.End()
	o = outcomePanic // until record returns
	defer func() {
		a := &answers[o]
		span.SetAttributes(
			attribute.String("http.request.method", http.MethodPost),
			attribute.String("http.route", Path),
			attribute.Int("http.response.status_code", a.status),
			attribute.String("cioevents.workspace", m.Workspace),
			attribute.String("cioevents.object_type", m.ObjectType),
			attribute.String("cioevents.metric", m.Metric),
			attribute.String("cioevents.outcome", a.name),
		)
		if a.status >= http.StatusInternalServerError {
			telemetry.Fail(span, a.name)
		}
	}()
	return s.record(ctx, m)
}
