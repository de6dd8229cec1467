package customerio_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cioevents/cioevents/internal/customerio"
	"github.com/cioevents/cioevents/internal/customerio/customeriotest"
	"github.com/cioevents/cioevents/internal/fault"
)

const appKey = "app-key-0123456789"

// serveApp returns a client of a server on a real connection.
func serveApp(t *testing.T, h http.Handler) *customerio.App {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	a, err := customerio.NewApp(customerio.AppConfig{Key: appKey, URL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// direct returns a client whose calls reach h without a network, for synctest.
func direct(t *testing.T, h http.Handler) *customerio.App {
	t.Helper()
	a, err := customerio.NewApp(customerio.AppConfig{Key: appKey, Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Result(), nil
	})})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// webhooks lists all webhooks.
func webhooks(ctx context.Context, a *customerio.App) (list []customerio.ReportingWebhook, err error) {
	for w, err := range a.Webhooks(ctx) {
		if err != nil {
			return nil, err
		}
		list = append(list, w)
	}
	return list, nil
}

// Another program uses up the limit. A refused call waits as long as the answer asks for,
// and with it every other call of the process.
func TestAppHonoursRetryAfter(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		header      string
		least, most time.Duration
	}{
		{"7", 7 * time.Second, 7 * time.Second},
		{"86400", 300 * time.Second, 300 * time.Second},
		{"", time.Second, 2 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			fake := customeriotest.NewApp(customeriotest.AppConfig{})
			header := map[string]string{}
			if c.header != "" {
				header["Retry-After"] = c.header
			}
			fake.SetFault(sequence(customeriotest.Fault{Status: 429, Header: header}))
			a := direct(t, fake)
			start := time.Now()
			var wg sync.WaitGroup
			for i := range 2 {
				wg.Go(func() {
					<-time.After(time.Duration(i) * 10 * time.Millisecond) // the second meets no refusal
					if _, err := webhooks(t.Context(), a); err != nil {
						t.Error(err)
					}
					if took := time.Since(start); took < c.least || took > c.most {
						t.Errorf("Retry-After %q: call %d took %v, want %v to %v", c.header, i, took, c.least, c.most)
					}
				})
			}
			wg.Wait()
		})
	}
}

// A 429 that stays, as after a daily quota, is an error that says so.
func TestAppQuota(t *testing.T) {
	t.Parallel()
	for _, old := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			a := direct(t, customeriotest.NewApp(customeriotest.AppConfig{Quota: 1, OldErrors: old}))
			if _, err := webhooks(t.Context(), a); err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			_, err := webhooks(t.Context(), a)
			if err == nil || !strings.Contains(err.Error(), "daily quota") || !strings.Contains(err.Error(), "rate limited to 10 requests") || strings.Contains(err.Error(), "{") {
				t.Errorf("error %v, want one about the quota, with the text of the answer", err)
			}
			if took := time.Since(start); took > 30*time.Second {
				t.Errorf("gave up after %v, want 30 s at most", took)
			}
		})
	}
}

// A context with a deadline ends the call at once with the cause, when the wait would be
// longer.
func TestAppDoesNotWaitInVain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake := customeriotest.NewApp(customeriotest.AppConfig{})
		fake.SetFault(func(*http.Request) *customeriotest.Fault {
			return &customeriotest.Fault{Status: 429, Header: map[string]string{"Retry-After": "60"}}
		})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		start := time.Now()
		_, err := webhooks(ctx, direct(t, fake))
		if wait, _ := fault.RetryWait(err); wait != time.Minute || time.Since(start) > 0 {
			t.Errorf("error %v after %v, want the refusal at once", err, time.Since(start))
		}
	})
}

// An App repeats what may succeed later, and never a creation that may have succeeded.
func TestAppRetries(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		fault customeriotest.Fault
		list  int // attempts at a list that meets the fault once
		post  int // attempts at a creation
	}{
		{"408", customeriotest.Fault{Status: 408}, 2, 1},
		{"429", customeriotest.Fault{Status: 429}, 2, 2},
		{"500", customeriotest.Fault{Status: 500}, 2, 1},
		{"502", customeriotest.Fault{Status: 502, AfterEffect: true}, 2, 1},
		{"503", customeriotest.Fault{Status: 503, Header: map[string]string{"Retry-After": "1"}}, 2, 1},
		{"524", customeriotest.Fault{Status: 524}, 2, 1},
		{"lost connection", customeriotest.Fault{Drop: true}, 2, 1},
		{"lost answer", customeriotest.Fault{Drop: true, AfterEffect: true}, 2, 1},
		{"cut off", customeriotest.Fault{Status: 200, Body: `{"reporting_webhooks":[`}, 2, 1},
		{"400", customeriotest.Fault{Status: 400}, 1, 1},
		{"401", customeriotest.Fault{Status: 401}, 1, 1},
		{"404", customeriotest.Fault{Status: 404}, 1, 1},
		{"422", customeriotest.Fault{Status: 422}, 1, 1},
		{"proxy", *customeriotest.Proxy(), 1, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			fake := customeriotest.NewApp(customeriotest.AppConfig{})
			a := serveApp(t, fake)
			fake.SetFault(sequence(c.fault))
			_, err := webhooks(t.Context(), a)
			if n := fake.Counts().Requests; n != c.list || (err == nil) != (c.list > 1) {
				t.Errorf("list: %d attempts, error %v; want %d", n, err, c.list)
			}
			fake.SetFault(sequence(c.fault))
			_, err = a.CreateWebhook(t.Context(), ours)
			if n := fake.Counts().Requests - c.list; n != c.post || (err == nil) != (c.post > 1) {
				t.Errorf("create: %d attempts, error %v; want %d", n, err, c.post)
			}
			if n := len(fake.Webhooks()); n > 1 {
				t.Errorf("%d webhooks, want one at most", n)
			}
		})
	}
}

// An App gives up an outage after about 20 s, and an endless answer after its timeout.
func TestAppGivesUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		_, err := webhooks(t.Context(), direct(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })))
		if took := time.Since(start); err == nil || took < 10*time.Second || took > 30*time.Second {
			t.Errorf("error %v after %v, want one after about 20 s", err, took)
		}
		hang, err := customerio.NewApp(customerio.AppConfig{Key: appKey, Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
		defer cancel()
		if _, err := webhooks(ctx, hang); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v, want the deadline", err)
		}
	})
}

// The error says what to do, and never shows the key.
func TestAppErrors(t *testing.T) {
	t.Parallel()
	echo := func(status int, form string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(status)
			fmt.Fprintf(w, form, r.Header.Get("Authorization"))
		})
	}
	for _, c := range []struct {
		name string
		h    http.Handler
		want string
	}{
		{"new form", echo(422, `{"errors":[{"status":"422","code":"invalid_event","detail":"no such event %s"},{"detail":"second"}]}`), "status 422: invalid_event no such event Bearer …; second"},
		{"older form", echo(400, `{"meta":{"error":"bad %s"}}`), "status 400: bad Bearer …"},
		{"Track's form", echo(400, `{"meta":{"errors":["bad %s"]}}`), `status 400: {"meta":{"errors":["bad Bearer …"]}}`},
		{"no JSON", echo(400, `<p>%s joe@example.com`), "status 400: <p>Bearer … …"},
		{"key", customeriotest.NewApp(customeriotest.AppConfig{Key: "other"}), "the App API key is not accepted: check"},
		{"scope", customeriotest.NewApp(customeriotest.AppConfig{Denied: []string{"/v1/"}}), "not accepted for this call: give the key the scope"},
		{"missing", echo(404, `{"errors":[{"detail":"not found %s"}]}`), "status 404: not found Bearer …"},
		{"another program", echo(405, `%s`), "no App API at this address: check CUSTOMERIO_REGION and CUSTOMERIO_APP_URL"},
		{"proxy", echo(200, `<html>%s`), "which the App API does not send: check for a proxy"},
		{"nothing", echo(200, `{}`), `no "reporting_webhooks"`},
	} {
		_, err := webhooks(t.Context(), serveApp(t, c.h))
		if err == nil || !strings.HasPrefix(err.Error(), "list reporting webhooks: ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), appKey) {
			t.Errorf("%s: the error shows the key: %v", c.name, err)
		}
	}
}

func TestAppOnTheWire(t *testing.T) {
	t.Parallel()
	var got []string
	a := serveApp(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = append(got, fmt.Sprint(r.Method, " ", r.RequestURI, " ", r.Header.Get("Authorization"), " ", r.Header.Get("Content-Type"), " ", r.UserAgent(), " ", string(body)))
		io.WriteString(w, `{"id":4}`)
	}))
	w := ours
	w.ID, w.Type = 4, "webhook"
	if _, err := a.UpdateWebhook(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Webhook(t.Context(), 4); err != nil {
		t.Fatal(err)
	}
	want := "PUT /v1/reporting_webhooks/4 Bearer " + appKey + ` application/json cioevents {"name":"cioevents","endpoint":"https://hooks.example.com/webhooks/customerio","events":["email_sent"],"disabled":true,"full_resolution":true,"with_content":false}` +
		"\nGET /v1/reporting_webhooks/4 Bearer " + appKey + "  cioevents "
	if text := strings.Join(got, "\n"); text != want {
		t.Errorf("requests\n%s\nwant\n%s", text, want)
	}
}
