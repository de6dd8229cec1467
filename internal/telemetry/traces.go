package telemetry

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// scope is the instrumentation scope of all spans.
const scope = "github.com/cioevents/cioevents"

// flushTimeout bounds the time for sending the last spans at the end of a program.
const flushTimeout = 2 * time.Second

// Traces sends spans to a collector. Events never wait for the collector: spans that
// the collector does not accept in time are dropped and counted.
type Traces struct {
	provider *sdktrace.TracerProvider // nil when nothing is traced
	log      zerolog.Logger
}

// NewTraces returns Traces without waiting for the collector. url is the address that
// spans are posted to as OTLP over HTTP; without an address nothing is traced. service
// is the program's name in the traces; OTEL_SERVICE_NAME overrides service. log gets a
// line about lost spans, once a minute at most, and reg their count.
//
// The SDK reads the sampler, the headers of requests and the attributes of the program
// from the environment variables OTEL_*. The error is about these variables.
//
//nolint:contextcheck,nolintlint // NewTraces does not wait; contextcheck reads the directive for the callers, a use unknown to nolintlint
func NewTraces(url, service string, log zerolog.Logger, reg prometheus.Registerer) (*Traces, error) {
	if url == "" {
		return &Traces{}, nil
	}
	ctx := context.Background() // makes no request before the first span
	sparing := log.Sample(&zerolog.BurstSampler{Burst: 1, Period: time.Minute})
	// The handler gets the errors of the SDK, also about environment variables.
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { sparing.Warn().Err(err).Msg("tracing") }))
	program, err := resource.New(ctx, resource.WithAttributes(attribute.String("service.name", service)),
		resource.WithTelemetrySDK(), resource.WithHost(), resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("read OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(url))
	if err != nil {
		return nil, fmt.Errorf("create exporter of traces: %w", err)
	}
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithResource(program),
		sdktrace.WithSpanProcessor(newQueue(exporter, sparing, reg)),
	)
	return &Traces{provider: provider, log: log}, nil
}

// Tracer returns the maker of spans, nil when nothing is traced.
func (t *Traces) Tracer() trace.Tracer {
	if t == nil || t.provider == nil {
		return nil
	}
	return t.provider.Tracer(scope)
}

// Close sends the last spans. It takes at most 2 s and works after all contexts have
// ended.
//
//nolint:contextcheck,nolintlint // Close has a time limit; contextcheck reads the directive for the callers, a use unknown to nolintlint
func (t *Traces) Close() {
	if t == nil || t.provider == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), flushTimeout)
	defer cancel()
	if err := t.provider.Shutdown(ctx); err != nil {
		t.log.Warn().Err(err).Msg("last spans lost")
	}
}
