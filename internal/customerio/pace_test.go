package customerio_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cioevents/cioevents/internal/customerio"
)

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func answer(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
}

func ok() *http.Response { return answer(http.StatusOK, "{}") }

// paced returns a client whose calls fn answers, without a network.
func paced(t *testing.T, cfg customerio.Config, fn roundTripper) *customerio.Client {
	t.Helper()
	cfg.SiteID, cfg.APIKey, cfg.Transport = "site", "key", fn
	c, err := customerio.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// At 100 calls a second, the first 2 of 102 calls do not wait, to make up for late
// timers. Each of the other 100 calls waits 10 ms.
func TestRate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int64
		c := paced(t, customerio.Config{}, func(*http.Request) (*http.Response, error) {
			calls.Add(1)
			return ok(), nil
		})
		start := time.Now()
		var wg sync.WaitGroup
		for range 102 {
			wg.Go(func() {
				if err := c.Apply(t.Context(), identify(joe)); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if took := time.Since(start).Round(time.Millisecond); took != time.Second || calls.Load() != 102 {
			t.Errorf("%d calls took %v, want 102 in 1s", calls.Load(), took)
		}
	})
}

func TestConcurrency(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var underWay, most atomic.Int64
		turn := make(chan struct{})
		c := paced(t, customerio.Config{Concurrency: 3, Rate: 1e6}, func(*http.Request) (*http.Response, error) {
			most.Store(max(most.Load(), underWay.Add(1)))
			defer underWay.Add(-1)
			<-turn
			return ok(), nil
		})
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				if err := c.Apply(t.Context(), suppress(joe)); err != nil {
					t.Error(err)
				}
			})
		}
		for range 10 {
			synctest.Wait()
			turn <- struct{}{}
		}
		wg.Wait()
		if got := most.Load(); got != 3 {
			t.Errorf("%d calls at once, want 3", got)
		}
	})
}

// A caller can cancel the wait for a turn.
func TestWaitIsCalledOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := paced(t, customerio.Config{Concurrency: 2, Rate: 0.001}, func(*http.Request) (*http.Response, error) {
			return ok(), nil
		})
		apply(t, c, identify(joe)) // the next is due in a quarter of an hour
		ctx, cancel := context.WithCancel(t.Context())
		errs := make(chan error, 4)
		for range cap(errs) { // they wait for the rate
			go func() { errs <- c.Apply(ctx, identify(joe)) }()
		}
		synctest.Wait()
		cancel()
		for range cap(errs) {
			if err := <-errs; !errors.Is(err, context.Canceled) {
				t.Errorf("error %v, want context.Canceled", err)
			}
		}
	})
}

func TestTimeoutIsTenSeconds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := paced(t, customerio.Config{}, func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})
		start := time.Now()
		err := c.Apply(t.Context(), identify(email))
		if took := time.Since(start); took != 10*time.Second {
			t.Errorf("gave up after %v, want 10s", took)
		}
		if got := class(err); got != "transient" {
			t.Errorf("%s, want transient (%v)", got, err)
		}
	})
}
