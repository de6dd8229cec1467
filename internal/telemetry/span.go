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
	return parent.TracerProvider().Tracer(scope).Start(ctx, name, opts...)
}

// Traced reports whether a child of ctx's span would be seen.
func Traced(ctx context.Context) bool { return trace.SpanFromContext(ctx).IsRecording() }

// EndSpan ends a span, as a failed one if there is a problem. The problem is one
// of few words: an error's text may say too much for a collector.
func EndSpan(span trace.Span, problem string) {
	if problem != "" {
		span.SetStatus(codes.Error, problem)
	}
	span.End()
}

const traceParent = "traceparent"

// ParseTraceParent reads the header traceparent of W3C Trace Context. What it
// returns is not valid when the text is not.
func ParseTraceParent(text string) trace.SpanContext {
	ctx := propagation.TraceContext{}.Extract(context.Background(), propagation.MapCarrier{traceParent: text})
	return trace.SpanContextFromContext(ctx)
}

// TraceParent is the header traceparent that makes others children of ctx's span.
func TraceParent(ctx context.Context) string {
	header := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, header)
	return header[traceParent]
}
