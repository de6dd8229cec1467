package telemetry

import (
	"context"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// Child starts a child of ctx's span. If ctx is not traced, Child returns ctx and a
// span that does nothing.
func Child(ctx context.Context, name string, opts ...trace.SpanStartOption) (context.Context, trace.Span) {
	parent := trace.SpanFromContext(ctx)
	if !parent.IsRecording() {
		return ctx, parent
	}
	//nolint:spancheck // the caller ends it
	return parent.TracerProvider().Tracer(scope).Start(ctx, name, opts...)
}

// Traced reports whether Child would start a recorded span.
func Traced(ctx context.Context) bool { return trace.SpanFromContext(ctx).IsRecording() }

// Fail marks a span as failed unless problem is "". The problem comes from a small set
// of words: the text of an error may contain personal data.
func Fail(span trace.Span, problem string) {
	if problem != "" {
		span.SetStatus(codes.Error, problem)
	}
}

const traceParent = "traceparent"

// WithTraceParent returns ctx with the span of a traceparent header (W3C Trace
// Context) as its parent. For an invalid header it returns ctx.
func WithTraceParent(ctx context.Context, text string) context.Context {
	return propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{traceParent: text})
}

// TraceParent returns the traceparent header for children of ctx's span.
func TraceParent(ctx context.Context) string {
	header := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, header)
	return header[traceParent]
}
