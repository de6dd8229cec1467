package customerio_test

import (
	"context"
	"maps"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/cioevents/cioevents/internal/customerio"
	"github.com/cioevents/cioevents/internal/customerio/customeriotest"
	"github.com/cioevents/cioevents/internal/effect"
)

// gather returns the counter by "call outcome", and the number of timed calls.
func gather(t *testing.T, reg *prometheus.Registry) (calls map[string]float64, timed uint64) {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	calls = map[string]float64{}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			timed += m.GetHistogram().GetSampleCount()
			if family.GetName() == "cioevents_track_calls_total" {
				calls[m.GetLabel()[0].GetValue()+" "+m.GetLabel()[1].GetValue()] = m.GetCounter().GetValue()
			}
		}
	}
	return calls, timed
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	metrics := customerio.NewMetrics(reg)
	want, _ := gather(t, reg)
	if len(want) != 5*7 {
		t.Errorf("%d series at the start, want one for each call and outcome: %v", len(want), want)
	}

	fake := customeriotest.New(customeriotest.Config{})
	fake.SetFault(sequence(
		customeriotest.Fault{Status: 400}, customeriotest.Fault{Status: 429}, customeriotest.Fault{Status: 503},
		customeriotest.Fault{Status: 500}, customeriotest.Fault{Status: 408}, customeriotest.Fault{Status: 401},
	))
	c := serve(t, fake, customerio.Config{Metrics: metrics})
	for range 6 { // the second makes two calls, of which one is refused; the last opens the circuit
		_ = c.Apply(t.Context(), suppress(joe))
	}
	_ = c.Apply(t.Context(), identify(effect.Person{}))

	maps.Copy(want, map[string]float64{
		"suppress rejected": 1, "suppress rate_limited": 1, "suppress unauthorized": 1,
		"suppress unavailable": 2, "suppress timeout": 1, "identify rejected": 1,
	})
	got, timed := gather(t, reg)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	if timed != 6 {
		t.Errorf("%d calls timed, want the 6 that were sent", timed)
	}
}

// The question for the region counts as a call: with a wrong key a worker makes no other.
func TestTheQuestionForTheRegionIsCounted(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status int
		want   string
	}{{200, "region ok"}, {401, "region unauthorized"}, {503, "region unavailable"}, {404, "region rejected"}} {
		synctest.Test(t, func(t *testing.T) {
			reg := prometheus.NewRegistry()
			metrics := customerio.NewMetrics(reg)
			want, _ := gather(t, reg)
			want[c.want] = 1
			client := paced(t, customerio.Config{Metrics: metrics}, (&api{status: c.status}).serve)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second/2) // shorter than the pause before the next question
			defer cancel()
			_ = client.Await(ctx)
			got, timed := gather(t, reg)
			if diff := cmp.Diff(want, got); diff != "" || timed != 1 {
				t.Errorf("status %d: %d calls timed, calls (-want +got):\n%s", c.status, timed, diff)
			}
		})
	}
}

// A call that the caller cancels says nothing about the API.
func TestCancelledCallsAreNotCounted(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	fake := customeriotest.New(customeriotest.Config{})
	c := serve(t, fake, customerio.Config{Metrics: customerio.NewMetrics(reg)})
	ctx, cancel := context.WithCancel(t.Context())
	fake.SetFault(func(*http.Request) *customeriotest.Fault {
		cancel()
		return &customeriotest.Fault{Hang: true}
	})
	if err := c.Apply(ctx, suppress(joe)); err == nil {
		t.Error("no error")
	}
	calls, _ := gather(t, reg)
	for series, n := range calls {
		if n != 0 {
			t.Errorf("%s = %v, want 0", series, n)
		}
	}
}
