package worker

import (
	"context"
	"errors"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/fault"
	"github.com/cioevents/cioevents/internal/telemetry"
)

// maxLinks bounds the links of a batch's span. By default the SDK keeps 128 links.
const maxLinks = 128

// traced is a handler that records spans.
//
// Each call of Handle has a span, in a trace of its own and linked to the messages.
// Each message whose webhook call was sampled has a span, in the trace of the webhook
// call and linked to the span of Handle. The retries of a batch do not share a span:
// retries may last for hours, and a span is not visible before its end.
type traced struct {
	Handler
	name   string // of the consumer
	tracer trace.Tracer
}

// Handle handles the batch.
func (h *traced) Handle(ctx context.Context, batch []event.Attempt, fail func(int, error)) error {
	return h.trace(ctx, batch, fail, h.Handler.Handle)
}

// Stage implements stager. The spans end before the effects are durable.
func (h *traced) Stage(ctx context.Context, batch []event.Attempt, fail func(int, error)) (wait func(context.Context) error, err error) {
	s, ok := h.Handler.(stager)
	if !ok {
		return nil, h.Handle(ctx, batch, fail)
	}
	err = h.trace(ctx, batch, fail, staging(s, &wait))
	return wait, err
}

func (h *traced) trace(ctx context.Context, batch []event.Attempt, fail func(int, error), handle handle) (err error) {
	parents := make([]trace.SpanContext, len(batch))
	for i := range batch {
		parents[i] = trace.SpanContextFromContext(telemetry.WithTraceParent(ctx, batch[i].TraceParent))
	}
	ctx, span := h.tracer.Start(ctx, "process "+h.name, trace.WithSpanKind(trace.SpanKindConsumer),
		trace.WithLinks(links(parents)...), h.attributes(attribute.Int("messaging.batch.message_count", len(batch))))
	defer span.End()
	messages := h.messages(ctx, batch, parents)
	err = errPanic // unless Handle returns
	defer func() {
		messages.end(err)
		telemetry.Fail(span, problem(err))
	}()
	return handle(context.WithValue(ctx, messagesKey{}, messages), batch, func(i int, err error) {
		messages.failed(i, err)
		fail(i, err)
	})
}

func links(parents []trace.SpanContext) []trace.Link {
	var list []trace.Link
	for _, p := range parents {
		if p.IsSampled() && len(list) < maxLinks {
			list = append(list, trace.Link{SpanContext: p})
		}
	}
	return list
}

// attributes returns the attributes of OpenTelemetry's messaging conventions and the
// given ones.
func (h *traced) attributes(more ...attribute.KeyValue) trace.SpanStartEventOption {
	return trace.WithAttributes(append(more,
		attribute.String("messaging.system", "nats"),
		attribute.String("messaging.operation.name", "process"),
		attribute.String("messaging.operation.type", "process"),
		attribute.String("messaging.consumer.group.name", h.name),
	)...)
}

// messageSpans has a span for each message of a batch, nil for a message without.
type messageSpans []trace.Span

type messagesKey struct{}

func (h *traced) messages(ctx context.Context, batch []event.Attempt, parents []trace.SpanContext) messageSpans {
	spans := make(messageSpans, len(batch))
	toBatch := trace.WithLinks(trace.LinkFromContext(ctx))
	for i, p := range parents {
		if !p.IsSampled() {
			continue
		}
		a := &batch[i]
		//nolint:spancheck // failed and end end the span
		_, spans[i] = h.tracer.Start(trace.ContextWithRemoteSpanContext(ctx, p), h.name+" message",
			trace.WithSpanKind(trace.SpanKindConsumer), toBatch, h.attributes(
				attribute.String("messaging.message.id", a.Workspace+":"+a.ID),
				attribute.String("cioevents.object_type", a.ObjectType),
				attribute.String("cioevents.metric", a.Metric),
				attribute.Int("cioevents.attempt", a.Number),
			))
	}
	return spans
}

// inMessage returns ctx inside the span of message i, or ctx if the message has no span.
func inMessage(ctx context.Context, i int) context.Context {
	spans, _ := ctx.Value(messagesKey{}).(messageSpans)
	if spans == nil || spans[i] == nil {
		return ctx
	}
	return trace.ContextWithSpan(ctx, spans[i])
}

func (s messageSpans) failed(i int, err error) {
	if s[i] != nil {
		telemetry.Fail(s[i], problem(err))
		s[i].End()
	}
}

// end ends the spans that have not ended yet. When the whole batch failed with err,
// each of these spans fails with err.
func (s messageSpans) end(err error) {
	for _, span := range s {
		if span != nil && span.IsRecording() {
			telemetry.Fail(span, problem(err))
			span.End()
		}
	}
}

// problem returns the class of an error for a span, "" for nil.
func problem(err error) string {
	reason, permanent := fault.PermanentReason(err)
	switch {
	case err == nil:
		return ""
	case errors.Is(err, errPanic):
		return string(fault.ReasonPanic)
	case permanent:
		return string(reason)
	case fault.IsOutage(err):
		return "outage"
	default:
		return "retry"
	}
}
