package customerio_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/customerio"
	"github.com/cioevents/cioevents/internal/fault"
)

// An api answers every call with its status, or with 200 after an outage, and counts the
// calls.
type api struct {
	status, calls, probes int
	back                  atomic.Bool
}

func (a *api) serve(r *http.Request) (*http.Response, error) {
	if a.back.Load() {
		a.status = http.StatusOK
	}
	if r.Method == http.MethodGet {
		a.probes++
		return answer(a.status, `{"region":"us"}`), nil
	}
	a.calls++
	return answer(a.status, "{}"), nil
}

// While the API is down, single calls probe for the end of the outage.
func TestOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &api{status: 503}
		c := paced(t, customerio.Config{}, a.serve)
		for range 12 {
			_ = c.Apply(t.Context(), identify(joe))
		}
		if a.calls != 12 {
			t.Fatalf("%d calls, want 12", a.calls)
		}
		start := time.Now()
		for time.Since(start) < time.Minute {
			err := c.Apply(t.Context(), identify(joe))
			wait, _ := fault.RetryWait(err)
			if !fault.IsOutage(err) || wait <= 0 {
				t.Fatalf("error %v, want an outage", err)
			}
			<-time.After(wait)
		}
		// After 1, 2, 4, 8, 15, 15 and 15 seconds.
		if probes := a.calls - 12; probes < 5 || probes > 8 {
			t.Errorf("%d probes in a minute, want 5 to 8", probes)
		}
		a.status = 200
		<-time.After(15 * time.Second)
		apply(t, c, identify(joe), identify(joe))
	})
}

// Failures with a success or a refusal in between are no outage.
func TestStumblesAreNoOutage(t *testing.T) {
	t.Parallel()
	for _, between := range []int{200, 400} {
		synctest.Test(t, func(t *testing.T) {
			a := &api{}
			c := paced(t, customerio.Config{}, a.serve)
			for i := range 60 {
				a.status = 503
				if i%11 == 10 {
					a.status = between
				}
				if err := c.Apply(t.Context(), suppress(joe)); fault.IsOutage(err) {
					t.Fatalf("call %d: %v", i, err)
				}
			}
		})
	}
}

// Await asks the API at the start, and in an outage until the API works again. The
// probes of Await are not calls about people.
func TestAwait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &api{status: 200}
		c := paced(t, customerio.Config{}, a.serve)
		for range 3 {
			if err := c.Await(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if a.probes != 1 {
			t.Errorf("%d probes, want 1 at the start", a.probes)
		}
		a.status = 401
		if err := c.Apply(t.Context(), identify(joe)); !customerio.IsUnauthorized(err) || !fault.IsOutage(err) {
			t.Errorf("error %v, want an outage for the key", err)
		}
		time.AfterFunc(time.Minute, func() { a.back.Store(true) })
		start := time.Now()
		if err := c.Await(t.Context()); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took < time.Minute || took > 75*time.Second {
			t.Errorf("waited %v, want until the key works", took)
		}
		if a.calls != 1 {
			t.Errorf("%d calls, want 1", a.calls)
		}
	})
}

func TestAwaitIsCalledOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := paced(t, customerio.Config{}, (&api{status: 503}).serve)
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if err := c.Await(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v, want the context's", err)
		}
	})
}

// A wrong key is logged at error level once a minute, and counted in a metric.
func TestOutageIsLogged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		reg := prometheus.NewRegistry()
		a := &api{status: 401}
		c := paced(t, customerio.Config{Log: zerolog.New(&out), Workspace: "acme", Metrics: customerio.NewMetrics(reg)}, a.serve)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		_ = c.Await(ctx)
		if n := strings.Count(out.String(), `"level":"error"`); n < 4 || n > 6 || !strings.Contains(out.String(), `"workspace":"acme"`) || !strings.Contains(out.String(), "API key") {
			t.Errorf("%d lines in 5 minutes:\n%s", n, out.String())
		}
		families, err := reg.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range families {
			for _, m := range f.GetMetric() {
				if f.GetName() == "cioevents_track_down" && (m.GetGauge().GetValue() == 1) != (m.GetLabel()[0].GetValue() == "configuration") {
					t.Errorf("gauge %v", m)
				}
			}
		}
	})
}
