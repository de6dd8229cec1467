package customerio_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cioevents/cioevents/internal/customerio"
	"github.com/cioevents/cioevents/internal/customerio/customeriotest"
	"github.com/cioevents/cioevents/internal/effect"
	"github.com/cioevents/cioevents/internal/fault"
)

// echo returns the body of an answer that repeats the person of the call, raw and
// escaped, and identifiers that the call did not contain.
func echo(r *http.Request) string {
	return fmt.Sprintf(`{"meta":{"errors":["%s %s joe@example.com joe%%40example.com cio_d9c1 +15557654321 is bad"]}}`, r.URL.Path, r.RequestURI)
}

// class returns the class of an error as a consumer sees the error.
func class(err error) string {
	reason, permanent := fault.PermanentReason(err)
	wait, named := fault.RetryWait(err)
	switch {
	case err == nil:
		return "done"
	case permanent:
		return "permanent " + string(reason)
	case customerio.IsUnauthorized(err) && fault.IsOutage(err):
		return "unauthorized " + wait.String()
	case fault.IsOutage(err):
		return "outage " + wait.String()
	case named:
		return "transient " + wait.String()
	default:
		return "transient"
	}
}

// expect checks the class of the error for two kinds of calls about four kinds of
// persons. Each call has a new client.
func expect(t *testing.T, ft customeriotest.Fault, cfg customerio.Config, want string) {
	t.Helper()
	for _, p := range []effect.Person{joe, byID, email, byPhone} {
		for _, call := range []effect.Call{identify(p), suppress(p)} {
			synctest.Test(t, func(t *testing.T) {
				c := paced(t, cfg, func(r *http.Request) (*http.Response, error) {
					resp := answer(ft.Status, echo(r))
					for name, value := range ft.Header {
						resp.Header.Set(name, value)
					}
					return resp, nil
				})
				err := c.Apply(t.Context(), call)
				if got := class(err); got != want {
					t.Errorf("%s: %s, want %s (%v)", call.Kind, got, want, err)
				}
				discreet(t, err)
			})
		}
	}
}

// discreet checks that neither an error nor a wrapped error names the person.
func discreet(t *testing.T, err error) {
	t.Helper()
	for ; err != nil; err = errors.Unwrap(err) {
		for _, secret := range []string{"joe", "d9c1", "example", "@", "%40", "+1555"} {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("error names the person: %v", err)
			}
		}
	}
}

func TestStatus(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]string{
		200: "done", 202: "done", 204: "done",
		301: "unauthorized 1s", 302: "unauthorized 1s", 307: "unauthorized 1s", 308: "unauthorized 1s",
		400: "permanent rejected", 401: "unauthorized 1s", 402: "unauthorized 1s", 407: "unauthorized 1s", 403: "unauthorized 1s", 404: "unauthorized 1s", 405: "unauthorized 1s",
		408: "transient", 413: "permanent rejected", 422: "permanent rejected", 429: "transient",
		500: "transient", 502: "transient", 503: "transient", 504: "transient", 522: "transient", 524: "transient",
	} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			t.Parallel()
			ft := customeriotest.Fault{
				Status: status,
				Header: map[string]string{"Location": "https://other.invalid/api/v1/customers/joe-42"},
			}
			expect(t, ft, customerio.Config{}, want)
		})
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, value string
		status      int
		want        string
	}{
		{"short", "3", 429, "transient 3s"},
		{"short of an outage", "3", 503, "transient 3s"},
		{"seconds", "7", 429, "outage 7s"},
		{"seconds of an outage", "7", 503, "outage 7s"},
		{"too long", "86400", 429, "outage 5m0s"},
		{"longer than any number", "99999999999999999999", 429, "outage 5m0s"},
		{"zero", "0", 429, "transient"},
		{"negative", "-3", 429, "transient"},
		{"date", "Tue, 19 Aug 2025 10:40:42 GMT", 429, "outage 42s"},
		{"date far off", "Wed, 20 Aug 2025 10:40:42 GMT", 429, "outage 5m0s"},
		{"date gone by", "Tue, 19 Aug 2025 10:39:42 GMT", 429, "transient"},
		{"words", "soon", 429, "transient"},
		{"of a refusal", "7", 400, "permanent rejected"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			expect(t, customeriotest.Fault{
				Status: c.status,
				Header: map[string]string{"Retry-After": c.value, "Date": "Tue, 19 Aug 2025 10:40:00 GMT"},
			}, customerio.Config{}, c.want)
		})
	}
}

func TestNoAnswer(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		ft      customeriotest.Fault
		timeout time.Duration
	}{
		"dropped": {customeriotest.Fault{Drop: true}, 0},
		"late":    {customeriotest.Fault{Hang: true}, 20 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := customeriotest.New(customeriotest.Config{})
			fake.SetFault(func(*http.Request) *customeriotest.Fault { return &c.ft })
			err := serve(t, fake, customerio.Config{Timeout: c.timeout}).Apply(t.Context(), identify(email))
			if got := class(err); got != "transient" {
				t.Errorf("%s, want transient (%v)", got, err)
			}
			discreet(t, err)
		})
	}
	t.Run("nobody listens", func(t *testing.T) {
		t.Parallel()
		server := httptest.NewServer(http.NotFoundHandler())
		server.Close()
		c, err := customerio.New(customerio.Config{SiteID: "site", APIKey: "key", URL: server.URL})
		if err != nil {
			t.Fatal(err)
		}
		err = c.Apply(t.Context(), identify(email))
		if got := class(err); got != "transient" {
			t.Errorf("%s, want transient (%v)", got, err)
		}
		discreet(t, err)
	})
}

// The answer to a call is lost after the call took effect, and the consumer makes all
// calls of the event again.
func TestRepeatAfterALostAnswer(t *testing.T) {
	t.Parallel()
	fake := customeriotest.New(customeriotest.Config{})
	fake.Seed(customeriotest.Profile{CioID: joe.Value, ID: byID.Value})
	c := serve(t, fake, customerio.Config{})
	apply(t, c, identify(joe))
	fake.SetFault(sequence(customeriotest.Fault{Status: 502, AfterEffect: true}))
	if err := c.Apply(t.Context(), suppress(joe)); err == nil {
		t.Fatal("the lost answer is no error")
	}
	apply(t, c, identify(joe), suppress(joe))
	if _, ok := fake.Profile(byID.Value); ok || !fake.Suppressed(byID.Value) {
		t.Error("the person is not suppressed")
	}
}

// A server may close an idle connection while the client sends a call. The client
// repeats the call, so the consumer loses no attempt.
func TestStaleConnection(t *testing.T) {
	t.Parallel()
	fake := customeriotest.New(customeriotest.Config{})
	c := serve(t, fake, customerio.Config{})
	for _, call := range []effect.Call{identify(joe), suppress(joe)} {
		apply(t, c, call) // there is a connection now
		fake.SetFault(sequence(customeriotest.Fault{Drop: true}))
		apply(t, c, call)
	}
	if got := fake.Counts(); got.Faults != 2 || got.Identify != 2 || got.Suppress != 2 {
		t.Errorf("counts %+v, want 2 of each kind and 2 faults", got)
	}
}

// The client reads an endless answer up to a limit.
func TestEndlessAnswer(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusOK, http.StatusInternalServerError} {
		endless := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			for {
				if _, err := w.Write(bytes.Repeat([]byte(" "), 4<<10)); err != nil {
					return
				}
			}
		})
		c := serve(t, endless, customerio.Config{})
		err := c.Apply(t.Context(), identify(joe))
		if (err == nil) != (status == http.StatusOK) {
			t.Errorf("status %d: %v", status, err)
		}
	}
}

func TestCallerGivesUp(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	fake := customeriotest.New(customeriotest.Config{})
	fake.SetFault(func(*http.Request) *customeriotest.Fault {
		cancel()
		return &customeriotest.Fault{Hang: true}
	})
	err := serve(t, fake, customerio.Config{}).Apply(ctx, identify(email))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
	discreet(t, err)
}

func TestWordsForTheOperator(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		ft   customeriotest.Fault
		want []string
	}{
		{
			"region",
			customeriotest.Fault{Status: 301, Header: map[string]string{"Location": "https://track-eu.customer.io/x"}},
			[]string{"301", "track-eu.customer.io", "CUSTOMERIO_REGION"},
		},
		{"credentials", customeriotest.Fault{Status: 401, Body: "{}"}, []string{"401", "site id", "API key"}},
		{
			"refusal",
			customeriotest.Fault{Status: 400, Body: `{"meta":{"errors":["bad` + "\n\n" + ` attribute"]}}`},
			[]string{"400", "bad attribute"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			fake := customeriotest.New(customeriotest.Config{})
			fake.SetFault(sequence(c.ft))
			err := serve(t, fake, customerio.Config{}).Apply(t.Context(), identify(joe))
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not contain %q", err, want)
				}
			}
			if len(err.Error()) > 300 {
				t.Errorf("error has %d bytes", len(err.Error()))
			}
		})
	}
}

func TestImpossibleCallsAreNotMade(t *testing.T) {
	t.Parallel()
	id := func(s string) effect.Person { return effect.Person{Kind: effect.ID, Value: s} }
	attributes := func(a map[string]any) effect.Call {
		return effect.Call{Kind: effect.Identify, Person: joe, At: at, Attributes: a}
	}
	many := map[string]any{}
	for i := range 301 {
		many[strings.Repeat("a", i%150+1)+strings.Repeat("b", i/150)] = true
	}
	for _, c := range []struct {
		name string
		call effect.Call
	}{
		{"empty identifier", suppress(id(""))},
		{"empty cio_id", suppress(effect.Person{Kind: effect.CioID})},
		{"long identifier", identify(id(strings.Repeat("x", 151)))},
		{"long cio_id", identify(effect.Person{Kind: effect.CioID, Value: strings.Repeat("x", 147)})},
		{"dot", suppress(id("."))},
		{"dots", suppress(id(".."))},
		{"no kind", effect.Call{Person: joe, At: at}},
		{"no time", effect.Call{Kind: effect.Identify, Person: joe, Attributes: map[string]any{"a": true}}},
		{"no attributes", attributes(nil)},
		{"many attributes", attributes(many)},
		{"empty name", attributes(map[string]any{"": true})},
		{"long name", attributes(map[string]any{strings.Repeat("x", 151): true})},
		{"long value", attributes(map[string]any{"a": strings.Repeat("x", 1001)})},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var got []request
			err := serve(t, recorder(t, &got), customerio.Config{}).Apply(t.Context(), c.call)
			if class(err) != "permanent rejected" {
				t.Errorf("%s, want permanent rejected (%v)", class(err), err)
			}
			if len(got) != 0 {
				t.Errorf("made the call %+v", got)
			}
		})
	}
	t.Run("just possible", func(t *testing.T) {
		t.Parallel()
		c := serve(t, customeriotest.New(customeriotest.Config{}), customerio.Config{})
		apply(t, c,
			identify(id(strings.Repeat("x", 150))),
			attributes(map[string]any{strings.Repeat("x", 150): strings.Repeat("x", 1000)}))
	})
}

// sequence is for SetFault: each of the next calls meets one fault, in this order,
// and later calls meet none.
func sequence(faults ...customeriotest.Fault) func(*http.Request) *customeriotest.Fault {
	return func(*http.Request) *customeriotest.Fault {
		if len(faults) == 0 {
			return nil
		}
		next := faults[0]
		faults = faults[1:]
		return &next
	}
}
