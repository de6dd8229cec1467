package stream

import (
	"context"

	"github.com/nats-io/nats.go"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/cioevents/cioevents/internal/telemetry"
)

// publishTraced is send inside a span, whose name the message carries to its
// consumers. A message whose call is not sampled carries none: nobody would
// read it, and the stream would keep it.
//
// The attributes are those of OpenTelemetry's conventions for messaging.
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
