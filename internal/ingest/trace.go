package ingest

import (
	"context"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/telemetry"
)

// traced is record inside a server span.
//
// Only a call with a valid signature gets one. A stranger could fill the
// collector with others, and the instruments count those. For the same reason a
// traceparent can be trusted here to be the parent: Customer.io sends none, so it
// comes from a proxy of the operator's, whose spans then are in the same tree.
func (s *Server) traced(ctx context.Context, m *event.Message) (o outcome, err error) {
	ctx = telemetry.WithTraceParent(ctx, m.TraceParent)
	ctx, span := s.cfg.Tracer.Start(ctx, http.MethodPost+" "+Path, trace.WithSpanKind(trace.SpanKindServer))
	defer span.End()
	o = outcomePanic // unless record returns
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
