package telemetry_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"go.opentelemetry.io/otel/trace"

	"github.com/cioevents/cioevents/internal/telemetry"
)

func newTraces(t *testing.T, h http.HandlerFunc, log zerolog.Logger) (*telemetry.Traces, *prometheus.Registry) {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	reg := prometheus.NewRegistry()
	traces, err := telemetry.NewTraces(srv.URL+"/v1/traces", "test", log, reg)
	if err != nil {
		t.Fatal(err)
	}
	return traces, reg
}

func dropped(t *testing.T, reg *prometheus.Registry) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil || len(families) != 1 || families[0].GetName() != "cioevents_trace_spans_dropped_total" {
		t.Fatalf("the instruments are %v, %v", families, err)
	}
	return families[0].GetMetric()[0].GetCounter().GetValue()
}

//nolint:paralleltest // allocations are counted for the whole process
func TestTracesOff(t *testing.T) {
	traces, err := telemetry.NewTraces("", "", zerolog.Nop(), nil)
	if err != nil || traces.Tracer() != nil {
		t.Errorf("without an address there is a tracer: %v", err)
	}
	traces.Close()
	ctx := t.Context()
	allocs := testing.AllocsPerRun(100, func() {
		below, span := telemetry.Child(ctx, "child")
		if telemetry.Traced(below) {
			t.Error("there is a span")
		}
		telemetry.Fail(span, "")
		span.End()
	})
	if allocs > 0 {
		t.Errorf("an untraced call costs %v allocations", allocs)
	}
}

// A collector that does not answer costs spans, not time.
func TestSlowCollector(t *testing.T) {
	t.Parallel()
	answer := make(chan struct{})
	traces, reg := newTraces(t, func(http.ResponseWriter, *http.Request) { <-answer }, zerolog.Nop())
	tracer := traces.Tracer()
	const spans = 20_000 // many times the queue
	start := time.Now()
	for range spans {
		_, span := tracer.Start(t.Context(), "span")
		telemetry.Fail(span, "")
		span.End()
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("%d spans took %v", spans, took)
	}
	if n := dropped(t, reg); n < spans/2 || n >= spans {
		t.Errorf("%v of %d spans are counted as dropped", n, spans)
	}
	start = time.Now()
	traces.Close()
	if took := time.Since(start); took > 4*time.Second {
		t.Errorf("Close took %v, want 2 s at the most", took)
	}
	close(answer)
}

func TestRefusingCollectorIsLoggedOnce(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	var mu sync.Mutex
	calls := 0
	traces, reg := newTraces(t, func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		calls++
		w.WriteHeader(http.StatusBadRequest)
	}, zerolog.New(&log))
	tracer := traces.Tracer()
	const spans = 1500 // three batches
	for range spans {
		_, span := tracer.Start(t.Context(), "span")
		telemetry.Fail(span, "")
		span.End()
	}
	traces.Close()
	mu.Lock()
	defer mu.Unlock()
	if n := dropped(t, reg); n != spans || calls < 2 {
		t.Errorf("%v of %d spans are counted as dropped, in %d calls", n, spans, calls)
	}
	if n := strings.Count(log.String(), "does not accept traces"); n != 1 {
		t.Errorf("%d failed exports logged %d lines:\n%s", calls, n, log.String())
	}
}

func TestTraceParent(t *testing.T) {
	t.Parallel()
	const text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	sc := trace.SpanContextFromContext(telemetry.WithTraceParent(t.Context(), text))
	if !sc.IsSampled() || !sc.IsRemote() {
		t.Errorf("%s is read as %v", text, sc)
	}
	if got := telemetry.TraceParent(trace.ContextWithSpanContext(context.Background(), sc)); got != text {
		t.Errorf("written as %s, want %s", got, text)
	}
	for _, bad := range []string{"", "00-", strings.Repeat("0", 55), "ff" + text[2:]} {
		if trace.SpanContextFromContext(telemetry.WithTraceParent(t.Context(), bad)).IsValid() {
			t.Errorf("%q is accepted as a trace context", bad)
		}
	}
}

// Our defaults must not hide the variables that the SDK reads itself.
func TestVariablesOfTheSDK(t *testing.T) {
	t.Setenv("OTEL_SERVICE_NAME", "receiver-of-acme")
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-token=secret")
	var token, body string
	traces, _ := newTraces(t, func(_ http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		token, body = r.Header.Get("X-Token"), string(b)
	}, zerolog.Nop())
	_, span := traces.Tracer().Start(t.Context(), "span")
	span.End()
	traces.Close()
	if token != "secret" || !strings.Contains(body, "receiver-of-acme") {
		t.Errorf("the collector gets token %q and %q", token, body)
	}
	t.Setenv("OTEL_TRACES_SAMPLER", "always_off")
	traces, _ = newTraces(t, http.NotFound, zerolog.Nop())
	defer traces.Close()
	if _, span := traces.Tracer().Start(t.Context(), "span"); span.IsRecording() {
		span.End()
		t.Error("OTEL_TRACES_SAMPLER is not heeded")
	}
}
