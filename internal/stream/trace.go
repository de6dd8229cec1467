package stream

import (
	"context"

	"github.com/nats-io/nats.go"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/cioevents/cioevents/internal/telemetry"
)

// publishTraced is send inside a span. The message carries the trace context of the
// span to the consumers. A message of an unsampled call carries no trace context:
// the stream would store the header, and nobody would read it.
//
// The attributes follow OpenTelemetry's semantic conventions for messaging.
func (p *Publisher) publishTraced(ctx context.Context, msg *nats.Msg, stream string) (bool, error) {
	ctx, span := telemetry.Child(ctx, "publish "+stream, trace.WithSpanKind(trace.SpanKindProducer), trace.WithAttributes(
		attribute.String("messaging.system", "nats"),
		attribute.String("messaging.operation.name", "publish"),
		attribute.String("messaging.operation.type", "send"),
		attribute.String("messaging.destination.name", msg.Subject),
		attribute.String("messaging.message.id", headerValue(msg.Header, nats.MsgIdHdr)),
		attribute.Int("messaging.message.body.size", len(msg.Data)),
	))
	defer span.End()
	msg.Header[headerTraceParent] = []string{telemetry.TraceParent(ctx)}
	duplicate, err := p.send(ctx, msg, stream)
	span.SetAttributes(attribute.Bool("cioevents.duplicate", duplicate))
	if err != nil {
		telemetry.Fail(span, "not stored")
	}
	return duplicate, err
}
