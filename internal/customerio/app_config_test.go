package customerio_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/customerio"
	"github.com/cioevents/cioevents/internal/customerio/customeriotest"
)

// Two processes at the default rate never exceed the 10 calls that Customer.io allows in
// any second, however late their calls arrive.
func TestTwoAppsStayWithinTheLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake := customeriotest.NewApp(customeriotest.AppConfig{Rate: 10})
		jitter := func() { <-time.After(time.Duration(rand.IntN(400)) * time.Millisecond) }
		stop := time.Now().Add(time.Minute)
		var wg sync.WaitGroup
		for range 2 {
			a := direct(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				jitter()
				fake.ServeHTTP(w, r)
				jitter()
			}))
			for range 10 {
				wg.Go(func() {
					for time.Now().Before(stop) {
						if _, err := webhooks(t.Context(), a); err != nil {
							t.Error(err)
							return
						}
					}
				})
			}
		}
		wg.Wait()
		got := fake.Counts()
		t.Logf("%d calls in a minute", got.Requests)
		if got.RateLimited != 0 || got.Requests < 400 {
			t.Errorf("%d of %d calls were refused, want none of at least 400", got.RateLimited, got.Requests)
		}
	})
}

// The Apps of all workspaces of a process share the rate, also those of copies of the
// settings.
func TestWorkspacesShareTheRate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		set := config.New("test", func(string) string { return "" })
		var calls atomic.Int64
		cfg := customerio.AppConfig{Transport: roundTripper(func(*http.Request) (*http.Response, error) {
			calls.Add(1)
			return answer(200, `{"reporting_webhooks":[]}`), nil
		})}
		var all config.Workspaces
		all.Declare(set)
		cfg.Declare(set)
		for _, name := range []string{"acme", "globex"} {
			another := cfg
			own, err := another.For(config.Workspace{Name: name, AppKey: name}, &all)
			if err != nil {
				t.Fatal(err)
			}
			a, err := customerio.NewApp(own)
			if err != nil {
				t.Fatal(err)
			}
			for range 10 {
				go func() { _, _ = webhooks(t.Context(), a) }()
			}
		}
		<-time.After(2500 * time.Millisecond)
		synctest.Wait()
		if n := calls.Load(); n != 15 {
			t.Errorf("%d calls in 2.5 s, want 5 a second", n)
		}
		<-time.After(time.Minute)
	})
}

func TestNewAppNamesEveryMistake(t *testing.T) {
	t.Parallel()
	for want, cfg := range map[string]customerio.AppConfig{
		"App API is missing":  {},
		"cannot carry":        {Key: "two\nlines"},
		"rate is 11":          {Key: "k", Rate: 11},
		"timeout is negative": {Key: "k", Timeout: -1},
		"invalid region":      {Key: "k", Region: "mars"},
		"CUSTOMERIO_APP_URL":  {Key: "k", URL: "api.customer.io"},
	} {
		if _, err := customerio.NewApp(cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

// Each workspace has its own key and region.
func TestAppSettings(t *testing.T) {
	t.Parallel()
	env := map[string]string{
		"CUSTOMERIO_WORKSPACES": "acme,globex", "CUSTOMERIO_ACME_APP_API_KEY": "a", "CUSTOMERIO_GLOBEX_APP_API_KEY": "g",
		"CUSTOMERIO_GLOBEX_REGION": "eu", "APP_API_RATE": "3",
	}
	set := config.New("test", func(name string) string { return env[name] })
	var cfg customerio.AppConfig
	var all config.Workspaces
	all.Declare(set, config.WantApp)
	customerio.DeclareRegion(set, &cfg.Region)
	cfg.Declare(set)
	if err := set.Parse(nil); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, w := range all.All() {
		own, err := cfg.For(w, &all)
		if err != nil {
			t.Fatal(err)
		}
		own.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
			got = append(got, fmt.Sprint(r.URL.Scheme, "://", r.URL.Host, " ", r.Header.Get("Authorization"), " ", own.Rate))
			return answer(200, `{"reporting_webhooks":[]}`), nil
		})
		a, err := customerio.NewApp(own)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := webhooks(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
	if text := strings.Join(got, ", "); text != "https://api.customer.io Bearer a 3, https://api-eu.customer.io Bearer g 3" {
		t.Errorf("calls %s", text)
	}
	env["APP_API_RATE"] = "11"
	if err := set.Parse(nil); err == nil || !strings.Contains(err.Error(), "APP_API_RATE") {
		t.Errorf("error %v, want one about APP_API_RATE", err)
	}
}
