package worker_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/fault"
)

const callID = "4bf92f3577b34da6a3ce929d0e0e4736"

// spansOf returns the spans of a scene, sorted by name and end. Each span is its name,
// its problem and, for a span in the trace of a webhook call, the start of the trace id.
func spansOf(t *testing.T, s *scene, h handlerFunc) []string {
	t.Helper()
	recorder := tracetest.NewSpanRecorder()
	s.cfg.Tracer = sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder)).Tracer("test")
	s.run(t, h)
	var list []string
	for _, span := range recorder.Ended() {
		line := span.Name()
		if span.SpanContext().TraceID().String() == callID {
			line += " in the call's trace"
		}
		list = append(list, line+": "+span.Status().Description)
	}
	slices.Sort(list)
	if started := len(recorder.Started()); started != len(list) {
		t.Errorf("%d spans have started and %d ended", started, len(list))
	}
	return list
}

func TestSpans(t *testing.T) {
	t.Parallel()
	permanent := fault.Permanent(fault.ReasonRejected, errors.New("joe@example.com"))
	for name, tt := range map[string]struct {
		handler handlerFunc
		want    []string
	}{
		"done": {
			func(context.Context, []event.Attempt, func(int, error)) error { return nil },
			[]string{"c message in the call's trace: ", "c message in the call's trace: ", "process c: "},
		},
		"one refused": {
			func(_ context.Context, _ []event.Attempt, fail func(int, error)) error {
				fail(0, permanent)
				return nil
			},
			[]string{"c message in the call's trace: ", "c message in the call's trace: rejected", "process c: "},
		},
		"panic of one": {
			func(_ context.Context, batch []event.Attempt, _ func(int, error)) error {
				if batch[0].Sequence == 1 {
					panic("joe@example.com")
				}
				return nil
			},
			// The batch, then its two halves, of which one succeeds.
			[]string{
				"c message in the call's trace: ",
				"c message in the call's trace: panic", "c message in the call's trace: panic", "c message in the call's trace: panic",
				"process c: ", "process c: panic", "process c: panic",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(1, 1, 1)
			s.batch[0].TraceParent = "00-" + callID + "-00f067aa0ba902b7-01"
			s.batch[1].TraceParent = s.batch[0].TraceParent
			s.batch[2].TraceParent = "00-" + callID + "-00f067aa0ba902b7-00" // not sampled
			if diff := cmp.Diff(tt.want, spansOf(t, s, tt.handler)); diff != "" {
				t.Errorf("spans (-want +got):\n%s", diff)
			}
		})
	}
}
