package customeriotest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/cioevents/cioevents/internal/customerio/customeriotest"
)

func newFake(cfg customeriotest.Config, people ...customeriotest.Profile) *customeriotest.Fake {
	f := customeriotest.New(cfg)
	f.Seed(people...)
	return f
}

func send(f http.Handler, method, path, body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	f.ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
	return w
}

// do makes a call that must be accepted.
func do(t *testing.T, f *customeriotest.Fake, method, identifier, body string) {
	t.Helper()
	w := send(f, method, "/api/v1/customers/"+identifier, body)
	if w.Code != http.StatusOK || strings.TrimSpace(w.Body.String()) != "{}" {
		t.Fatalf("%s %s: %d %s, want 200 {}", method, identifier, w.Code, w.Body)
	}
}

func expect(t *testing.T, f *customeriotest.Fake, want ...customeriotest.Profile) {
	t.Helper()
	got := f.Profiles()
	for i := range got {
		if strings.HasPrefix(got[i].CioID, "fa4e") {
			got[i].CioID = "made"
		}
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("profiles (-want +got):\n%s", diff)
	}
}

type (
	profile = customeriotest.Profile
	values  = map[string]any
)

var (
	joe = profile{CioID: "c1", ID: "42", Email: "joe@example.com"}
	sue = profile{CioID: "c2", ID: "43", Email: "sue@example.com"}
)

func with(p profile, a values) profile {
	p.Attributes = a
	return p
}

func TestIdentify(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, identifier, body string
		want                   []profile
	}{
		{"by id", "42", `{"a":1}`, []profile{with(joe, values{"a": int64(1)}), sue}},
		{"by e-mail, in any case", "JOE%40example.com", `{"a":1.5}`, []profile{with(joe, values{"a": 1.5}), sue}},
		{"by cio_id", "cio_c1", `{"a":true}`, []profile{with(joe, values{"a": true}), sue}},
		{"unknown id", "44", `{"a":"x"}`, []profile{joe, sue, {CioID: "made", ID: "44", Attributes: values{"a": "x"}}}},
		{"unknown e-mail", "a%2Bb%40example.com", `{}`, []profile{joe, sue, {CioID: "made", Email: "a+b@example.com"}}},
		{"unknown cio_id", "cio_c3", `{"a":1}`, []profile{joe, sue}},
		{"unknown id, update only", "44", `{"a":1,"_update":true}`, []profile{joe, sue}},
		{"unknown id, with an e-mail", "44", `{"email":"ann@example.com"}`, []profile{joe, sue, {CioID: "made", ID: "44", Email: "ann@example.com"}}},
		{"unknown id, with a known e-mail", "44", `{"email":"sue@example.com"}`, []profile{joe, {CioID: "c2", ID: "44", Email: "sue@example.com"}}},
		{"somebody else's e-mail", "42", `{"email":"sue@example.com","a":1}`, []profile{with(joe, values{"a": int64(1)}), sue}},
		{"another e-mail, by id", "42", `{"email":"new@example.com"}`, []profile{joe, sue}},
		{"another e-mail, by cio_id", "cio_c2", `{"email":"new@example.com"}`, []profile{joe, {CioID: "c2", ID: "43", Email: "new@example.com"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := newFake(customeriotest.Config{}, joe, sue)
			do(t, f, "PUT", c.identifier, c.body)
			expect(t, f, c.want...)
		})
	}
}

func TestLaterTimestampStays(t *testing.T) {
	t.Parallel()
	f := newFake(customeriotest.Config{}, joe)
	do(t, f, "PUT", "42", `{"a":"late","b":"late","_timestamp":200}`)
	do(t, f, "PUT", "42", `{"a":"early","c":"early","_timestamp":100}`)
	do(t, f, "PUT", "42", `{"b":"same","_timestamp":200}`)
	expect(t, f, with(joe, values{"a": "late", "b": "same", "c": "early"}))

	before := time.Now().Unix() - 1
	do(t, f, "PUT", "42", `{"a":"without"}`) // as of the clock
	do(t, f, "PUT", "42", fmt.Sprintf(`{"a":"before the clock","_timestamp":%d}`, before))
	expect(t, f, with(joe, values{"a": "without", "b": "same", "c": "early"}))
}

func TestSuppress(t *testing.T) {
	t.Parallel()
	for _, identifier := range []string{"42", "joe@example.com", "cio_c1"} {
		t.Run(identifier, func(t *testing.T) {
			t.Parallel()
			f := newFake(customeriotest.Config{}, joe, sue)
			do(t, f, "POST", identifier+"/suppress", "")
			expect(t, f, sue)
			if !f.Suppressed("42") || !f.Suppressed("JOE@example.com") || f.Suppressed("43") {
				t.Error("not exactly the person's id and e-mail address are suppressed")
			}
			do(t, f, "PUT", "42", `{"a":1}`)
			do(t, f, "PUT", "joe@example.com", `{"a":1}`)
			do(t, f, "PUT", "cio_c1", `{"a":1}`)
			do(t, f, "PUT", "44", `{"email":"joe@example.com"}`)
			do(t, f, "PUT", "43", `{"id":"42"}`)
			expect(t, f, sue)
		})
	}
}

func TestSuppressSomebodyUnknown(t *testing.T) {
	t.Parallel()
	f := newFake(customeriotest.Config{})
	do(t, f, "POST", "42/suppress", "")
	do(t, f, "PUT", "42", `{"a":1}`)
	expect(t, f)
}

func TestKnowsEverybody(t *testing.T) {
	t.Parallel()
	f := newFake(customeriotest.Config{KnowsEverybody: true})
	do(t, f, "PUT", "cio_c1", `{"a":1,"_update":true}`)
	do(t, f, "PUT", "43", `{"a":2,"_update":true}`)
	expect(t, f, profile{CioID: "c1", Attributes: values{"a": int64(1)}}, profile{CioID: "made", ID: "43", Attributes: values{"a": int64(2)}})

	for _, identifier := range []string{"cio_c1", "43", "never@example.com"} {
		do(t, f, "POST", identifier+"/suppress", "")
		do(t, f, "PUT", identifier, `{"a":3,"_update":true}`)
	}
	expect(t, f)
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	many := make([]string, 301)
	for i := range many {
		many[i] = fmt.Sprintf(`"a%d":1`, i)
	}
	long := func(n int) string { return strings.Repeat("x", n) }
	for _, c := range []struct {
		name, method, path, body string
		want                     int
	}{
		{"identifier", "PUT", "customers/" + long(151), `{"a":1}`, 400},
		{"identifier to suppress", "POST", "customers/" + long(151) + "/suppress", "", 400},
		{"identifier at the limit", "PUT", "customers/" + long(150), `{"a":1}`, 200},
		{"name", "PUT", "customers/42", `{"` + long(151) + `":1}`, 400},
		{"value", "PUT", "customers/42", `{"a":"` + long(1001) + `"}`, 400},
		{"value at the limit", "PUT", "customers/42", `{"a":"` + long(1000) + `"}`, 200},
		{"number of attributes", "PUT", "customers/42", "{" + strings.Join(many, ",") + "}", 400},
		{"no JSON", "PUT", "customers/42", `{`, 400},
		{"no object", "PUT", "customers/42", `[]`, 400},
		{"null", "PUT", "customers/42", `null`, 400},
		{"too large", "PUT", "customers/42", `{"a":"` + long(100_001) + `"}`, 400},
		{"event", "POST", "customers/42/events", `{"name":"bought","data":{"a":1}}`, 200},
		{"event without a name", "POST", "customers/42/events", `{"data":{}}`, 400},
		{"event with a long name", "POST", "customers/42/events", `{"name":"` + long(101) + `"}`, 400},
		{"other method", "PATCH", "customers/42", `{}`, 405},
		{"other path", "PUT", "persons/42", `{}`, 404},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := newFake(customeriotest.Config{})
			w := send(f, c.method, "/api/v1/"+c.path, c.body)
			if w.Code != c.want {
				t.Fatalf("status %d, want %d: %s", w.Code, c.want, w.Body)
			}
			if c.want != 400 {
				return
			}
			var body struct {
				Meta struct{ Errors []string }
			}
			if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || len(body.Meta.Errors) != 1 {
				t.Errorf("body %s, want one error in meta.errors", w.Body)
			}
			if calls := f.Calls(); len(calls) != 0 || len(f.Profiles()) != 0 {
				t.Errorf("the call was applied: %+v", calls)
			}
		})
	}
}

func TestCredentials(t *testing.T) {
	t.Parallel()
	f := newFake(customeriotest.Config{SiteID: "site", APIKey: "key", Region: "eu"})
	for _, c := range []struct {
		user, password string
		want           int
	}{{"site", "key", 200}, {"site", "yek", 401}, {"site", "", 401}, {"", "key", 401}} {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodGet, "/api/v1/accounts/region", http.NoBody)
		r.SetBasicAuth(c.user, c.password)
		f.ServeHTTP(w, r)
		if w.Code != c.want || c.want == 200 && !strings.Contains(w.Body.String(), `"region":"eu"`) {
			t.Errorf("%s:%s: %d %s, want %d", c.user, c.password, w.Code, w.Body, c.want)
		}
	}
	if w := send(f, "PUT", "/api/v1/customers/42", `{}`); w.Code != 401 {
		t.Errorf("without credentials: %d, want 401", w.Code)
	}
}

func TestRate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := customeriotest.New(customeriotest.Config{Rate: 2})
		for i, want := range []int{200, 200, 429, 429, 200} {
			if i == 4 {
				<-time.After(time.Second)
			}
			w := send(f, "PUT", "/api/v1/customers/42", `{}`)
			if w.Code != want || (want == 429) != (w.Header().Get("Retry-After") == "1") {
				t.Errorf("call %d: %d %v, want %d", i, w.Code, w.Header(), want)
			}
		}
		if got := f.Counts(); got.RateLimited != 2 || got.Identify != 3 {
			t.Errorf("counts %+v, want 2 limited and 3 identified", got)
		}
	})
}

func TestFaults(t *testing.T) {
	t.Parallel()
	f := newFake(customeriotest.Config{}, joe)
	f.SetFault(sequence(
		customeriotest.Fault{Status: 503, Body: "busy", Header: map[string]string{"Retry-After": "3"}},
		customeriotest.Fault{AfterEffect: true},
	))
	if w := send(f, "PUT", "/api/v1/customers/42", `{"a":1}`); w.Code != 503 || w.Body.String() != "busy" || w.Header().Get("Retry-After") != "3" {
		t.Errorf("answer %d %s %v", w.Code, w.Body, w.Header())
	}
	expect(t, f, joe)
	if w := send(f, "PUT", "/api/v1/customers/42", `{"a":2}`); w.Code != 500 {
		t.Errorf("status %d, want 500", w.Code)
	}
	expect(t, f, with(joe, values{"a": int64(2)}))
	do(t, f, "PUT", "42", `{"a":3}`)
	if got := f.Counts(); got.Faults != 2 || got.Identify != 2 {
		t.Errorf("counts %+v, want 2 faults and 2 identified", got)
	}
}

func TestLostConnection(t *testing.T) {
	t.Parallel()
	f := newFake(customeriotest.Config{}, joe)
	server := httptest.NewServer(f)
	defer server.Close()
	client := &http.Client{Timeout: time.Second}
	for name, fault := range map[string]customeriotest.Fault{"drop": {Drop: true}, "hang": {Hang: true}} {
		f.SetFault(sequence(fault))
		resp, err := client.Post(server.URL+"/api/v1/customers/42/suppress", "", http.NoBody)
		if err == nil {
			t.Errorf("%s: status %d, want no answer", name, resp.StatusCode)
		}
	}
	expect(t, f, joe)
}

func TestLogKeepsTheLastCalls(t *testing.T) {
	t.Parallel()
	f := newFake(customeriotest.Config{CallLog: 3})
	for i := range 5 {
		do(t, f, "PUT", fmt.Sprint(i), `{"a":1,"_timestamp":7}`)
	}
	do(t, f, "POST", "a%2Fb/suppress", "")
	body := values{"a": int64(1), "_timestamp": int64(7)}
	want := []customeriotest.Call{
		{Kind: customeriotest.Identify, Identifier: "3", Body: body},
		{Kind: customeriotest.Identify, Identifier: "4", Body: body},
		{Kind: customeriotest.Suppress, Identifier: "a/b"},
	}
	if diff := cmp.Diff(want, f.Calls()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(customeriotest.Counts{Identify: 5, Suppress: 1, Requests: 6}, f.Counts()); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
}

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	f := customeriotest.New(customeriotest.Config{KnowsEverybody: true, CallLog: 10})
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			for i := range 100 {
				id := url.PathEscape(fmt.Sprintf("%d@example.com", i))
				do(t, f, "PUT", id, fmt.Sprintf(`{"a":%d,"_update":true,"_timestamp":%d}`, worker, worker+1))
				f.Profile(id)
				f.Calls()
			}
			f.Profiles()
		})
	}
	wg.Wait()
	all := f.Profiles()
	if len(all) != 100 || f.Counts().Identify != 800 {
		t.Fatalf("%d people after %+v, want 100 after 800", len(all), f.Counts())
	}
	for _, p := range all {
		if p.Attributes["a"] != int64(7) {
			t.Errorf("%s: %v, want the latest, 7", p.Email, p.Attributes)
		}
	}
}

func BenchmarkIdentify(b *testing.B) {
	f := customeriotest.New(customeriotest.Config{KnowsEverybody: true})
	for i := 0; b.Loop(); i++ {
		send(f, "PUT", fmt.Sprintf("/api/v1/customers/cio_%d", i%10_000), `{"last_email_engaged_at":1755600006,"_update":true,"_timestamp":1755600006}`)
	}
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
