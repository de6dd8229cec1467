package customerio_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cioevents/cioevents/internal/customerio"
	"github.com/cioevents/cioevents/internal/customerio/customeriotest"
	"github.com/cioevents/cioevents/internal/effect"
)

// With any configured rate, a client uses more than nine tenths of an allowance of 100
// calls a second, and the API refuses few calls.
func TestRateFollowsTheAllowance(t *testing.T) {
	t.Parallel()
	for _, configured := range []float64{100, 150, 1000} {
		synctest.Test(t, func(t *testing.T) {
			fake := customeriotest.New(customeriotest.Config{KnowsEverybody: true, Rate: 100, CallLog: 1})
			c := paced(t, customerio.Config{Rate: configured}, func(r *http.Request) (*http.Response, error) {
				<-time.After(20 * time.Millisecond)
				w := httptest.NewRecorder()
				fake.ServeHTTP(w, r)
				return w.Result(), nil
			})
			stop := time.Now().Add(5 * time.Minute)
			var wg sync.WaitGroup
			for range 16 {
				wg.Go(func() {
					for time.Now().Before(stop) {
						if err := c.Apply(t.Context(), suppress(joe)); err != nil {
							t.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			n := fake.Counts()
			used, refused := float64(n.Suppress)/300/100, float64(n.RateLimited)/float64(n.Requests)
			t.Logf("configured %v: %.1f %% used, %.2f %% refused", configured, 100*used, 100*refused)
			if used < .9 || refused > .02 {
				t.Errorf("configured %v: %.1f %% used, %.2f %% refused", configured, 100*used, 100*refused)
			}
		})
	}
}

// A waiting suppression goes before all waiting updates.
func TestSuppressionGoesFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var order []string
		c := paced(t, customerio.Config{Rate: 1, Concurrency: 3}, func(r *http.Request) (*http.Response, error) {
			mu.Lock()
			defer mu.Unlock()
			order = append(order, r.URL.Path)
			return ok(), nil
		})
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				_ = c.ApplyBatch(t.Context(), slices.Values([]effect.Call{identify(byID)}), func(_ int, err error) { t.Error(err) })
			})
		}
		synctest.Wait()
		start := time.Now()
		apply(t, c, suppress(byID))
		if took := time.Since(start).Round(time.Millisecond); took > time.Second {
			t.Errorf("waited %v behind 20 batches, want a second at most", took)
		}
		wg.Wait()
		if len(order) != 21 || order[1] != "/api/v1/customers/joe-42/suppress" {
			t.Errorf("order %v, want the suppression second", order)
		}
	})
}

// Slow batches leave a slot to a suppression.
func TestBatchesLeaveASlot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		turn := make(chan struct{})
		c := paced(t, customerio.Config{Concurrency: 3}, func(r *http.Request) (*http.Response, error) {
			if r.URL.Path == "/api/v2/batch" {
				<-turn
			}
			return ok(), nil
		})
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() {
				_ = c.ApplyBatch(t.Context(), slices.Values([]effect.Call{identify(byID)}), func(_ int, err error) { t.Error(err) })
			})
		}
		synctest.Wait()
		apply(t, c, suppress(byID))
		close(turn)
		wg.Wait()
	})
}
