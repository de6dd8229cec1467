package telemetry

import (
	"context"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// Child starts a span below the one of ctx. Where nothing is traced, or not this,
// it returns ctx itself and a span that does nothing.
func Child(ctx context.Context, name string, opts ...trace.SpanStartOption) (context.Context, trace.Span) {
	parent := trace.SpanFromContext(ctx)
	if !parent.IsRecording() {
		return ctx, parent
	}
	//nolint:spancheck // the caller ends it
	return parent.TracerProvider().Tracer(scope).Start(ctx, name, opts...)
}

// Traced reports whether a child of ctx's span would be seen.
func Traced(ctx context.Context) bool { return trace.SpanFromContext(ctx).IsRecording() }

// Fail marks a span as failed, if there is a problem. The problem is one of few
// words: an error's text may say too much for a collector.
func Fail(span trace.Span, problem string) {
	if problem != "" {
		span.SetStatus(codes.Error, problem)
	}
}

const traceParent = "traceparent"

// WithTraceParent returns ctx below the span that a header traceparent of W3C
// Trace Context names, and ctx itself when it names none.
func WithTraceParent(ctx context.Context, text string) context.Context {
	return propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{traceParent: text})
}

// TraceParent is the header traceparent that makes others children of ctx's span.
func TraceParent(ctx context.Context) string {
	header := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, header)
	return header[traceParent]
}
