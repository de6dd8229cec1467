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

// scope names who makes the spans.
const scope = "github.com/cioevents/cioevents"

// flushTimeout bounds what the spans that are left may add to the end of a
// program.
const flushTimeout = 2 * time.Second

// TracesConfig configures Traces.
type TracesConfig struct {
	// URL is where spans are posted to as OTLP over HTTP. Without it nothing is
	// traced.
	URL string
	// Service is the program's name in the traces, unless OTEL_SERVICE_NAME
	// gives another.
	Service string
	// Log is told that spans are lost, once a minute at the most.
	Log zerolog.Logger
	// Metrics gets the count of lost spans. Default none.
	Metrics prometheus.Registerer
}

// Traces sends spans to a collector. It never waits for it while events flow:
// what the collector does not take in time is dropped and counted.
type Traces struct {
	provider *sdktrace.TracerProvider // nil when nothing is traced
	log      zerolog.Logger
}

// NewTraces returns Traces whose collector need not be there. The sampler, the
// headers of the calls and the attributes of the program are the SDK's own, from
// the environment variables OTEL_*. The error is about those.
//
//nolint:contextcheck,nolintlint // it waits for nothing; the first reads this for the callers, which the second does not see
func NewTraces(cfg TracesConfig) (*Traces, error) {
	if cfg.URL == "" {
		return &Traces{}, nil
	}
	ctx := context.Background() // nothing is called before the first span
	log := cfg.Log.Sample(&zerolog.BurstSampler{Burst: 1, Period: time.Minute})
	// What the SDK says of itself, and of the variables that it reads.
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.Warn().Err(err).Msg("tracing") }))
	program, err := resource.New(ctx, resource.WithAttributes(attribute.String("service.name", cfg.Service)),
		resource.WithTelemetrySDK(), resource.WithHost(), resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("read OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(cfg.URL))
	if err != nil {
		return nil, fmt.Errorf("create exporter of traces: %w", err)
	}
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithResource(program),
		sdktrace.WithSpanProcessor(newQueue(exporter, log, cfg.Metrics)),
	)
	return &Traces{provider: provider, log: cfg.Log}, nil
}

// Tracer makes spans. It is nil when nothing is traced.
func (t *Traces) Tracer() trace.Tracer {
	if t == nil || t.provider == nil {
		return nil
	}
	return t.provider.Tracer(scope)
}

// Close sends what is left, for 2 s at the most, also when all contexts have ended.
//
//nolint:contextcheck,nolintlint // it has a bound of its own; the first reads this for the callers, which the second does not see
func (t *Traces) Close() {
	if t == nil || t.provider == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), flushTimeout)
	defer cancel()
	if err := t.provider.Shutdown(ctx); err != nil {
		t.log.Warn().Err(err).Msg("the last spans are lost")
	}
}
