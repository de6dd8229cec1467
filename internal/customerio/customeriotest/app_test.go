package customeriotest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/customerio/customeriotest"
	"github.com/cioevents/cioevents/pkg/webhook"
	"github.com/cioevents/cioevents/pkg/webhook/webhooktest"
)

var campaign = webhooktest.Campaign{Seed: 1, Deliveries: 2000, CampaignID: 7, Start: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)}

// recorded returns a workspace that has sent the campaign.
func recorded(cfg customeriotest.AppConfig) *customeriotest.App {
	app := customeriotest.NewApp(cfg)
	for body := range campaign.Events() {
		app.Record(body)
	}
	return app
}

// call returns the status and the decoded answer of a call with a key.
func call(t *testing.T, h http.Handler, method, path, body string) (status int, answer map[string]any) {
	t.Helper()
	w := request(h, method, path, body)
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		t.Fatalf("%s %s: %v: %s", method, path, err, w.Body)
	}
	return w.Code, answer
}

func request(h http.Handler, method, path, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer app-key")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// deliveries returns the ids of all pages of a list.
func deliveries(t *testing.T, h http.Handler, path string, between func()) (ids []string) {
	t.Helper()
	for start := ""; ; between() {
		_, answer := call(t, h, "GET", path+"&start="+start, "")
		for _, m := range answer["messages"].([]any) {
			ids = append(ids, m.(map[string]any)["id"].(string))
		}
		if start = answer["next"].(string); start == "" {
			return ids
		}
	}
}

func TestAppWebhooks(t *testing.T) {
	t.Parallel()
	app := customeriotest.NewApp(customeriotest.AppConfig{Rate: 100})
	const ours = `"name":"ours","endpoint":"https://hooks.example.com/webhooks/customerio"`
	for _, c := range []struct {
		method, path, body string
		status             int
	}{
		{"POST", "", `{` + ours + `,"events":["email_sent"],"id":99,"type":"js"}`, 200},
		{"POST", "", `{` + ours + `,"events":[]}`, 400},
		{"POST", "", `{` + ours + `,"events":["inbox_sent"]}`, 400},
		{"POST", "", `{"name":"no endpoint","events":["email_sent"]}`, 400},
		{"POST", "", `{"endpoint":"https://example.com","events":["email_sent"]}`, 400},
		{"POST", "", `[]`, 400},
		{"PUT", "/1", `{` + ours + `,"events":["email_sent","sms_replied"],"full_resolution":true}`, 200},
		{"PUT", "/1", `{"disabled":true}`, 400},
		{"PUT", "/2", `{` + ours + `,"events":["email_sent"]}`, 404},
		{"GET", "/1", "", 200},
		{"GET", "/2", "", 404},
	} {
		if status, answer := call(t, app, c.method, "/v1/reporting_webhooks"+c.path, c.body); status != c.status {
			t.Errorf("%s %s %s: %d %v, want %d", c.method, c.path, c.body, status, answer, c.status)
		}
	}
	want := []customeriotest.Webhook{{
		ID: 1, Type: "webhook", Name: "ours", Endpoint: "https://hooks.example.com/webhooks/customerio",
		Events: []string{"email_sent", "sms_replied"}, FullResolution: true,
	}}
	if diff := cmp.Diff(want, app.Webhooks()); diff != "" {
		t.Errorf("webhooks (-want +got):\n%s", diff)
	}
	if status, _ := call(t, app, "DELETE", "/v1/reporting_webhooks/1", ""); status != 200 || len(app.Webhooks()) != 0 {
		t.Errorf("delete: %d, %d webhooks left", status, len(app.Webhooks()))
	}
}

func TestAppKeyAndScopes(t *testing.T) {
	t.Parallel()
	app := customeriotest.NewApp(customeriotest.AppConfig{Key: "app-key", Denied: []string{"/v1/campaigns"}})
	if status, _ := call(t, app, "GET", "/v1/campaigns", ""); status != 403 {
		t.Errorf("a denied path: %d, want 403", status)
	}
	if status, _ := call(t, app, "GET", "/v1/broadcasts", ""); status != 200 {
		t.Errorf("an allowed path: %d, want 200", status)
	}
	for _, path := range []string{"/v1/broadcasts", "/v1/info/ip_addresses"} {
		want := map[string]int{"/v1/broadcasts": 401, "/v1/info/ip_addresses": 200}[path]
		w := httptest.NewRecorder()
		app.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, http.NoBody))
		if w.Code != want {
			t.Errorf("%s without a key: %d, want %d", path, w.Code, want)
		}
	}
}

func TestAppRate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		app := customeriotest.NewApp(customeriotest.AppConfig{Rate: 2})
		late := customeriotest.NewApp(customeriotest.AppConfig{Quota: 2, OldErrors: true})
		for i, want := range []int{200, 200, 429, 200, 429} {
			w := request(app, "GET", "/v1/campaigns", "")
			if w.Code != want || (want == 429) != (w.Header().Get("Retry-After") == "1") {
				t.Errorf("call %d: %d %v, want %d", i, w.Code, w.Header(), want)
			}
			if i == 0 || i == 2 {
				<-time.After(500 * time.Millisecond)
			}
		}
		for i, want := range []int{200, 200, 429} {
			w := request(late, "GET", "/v1/campaigns", "")
			if w.Code != want || w.Header().Get("Retry-After") != "" || want == 429 && !strings.Contains(w.Body.String(), `{"meta":{"error":`) {
				t.Errorf("call %d of a quota of 2: %d %v %s, want %d", i, w.Code, w.Header(), w.Body, want)
			}
		}
	})
}

// The deliveries of the App API are those of the campaign's webhooks.
func TestAppListsTheCampaign(t *testing.T) {
	t.Parallel()
	app := recorded(customeriotest.AppConfig{Rate: 1e6})
	totals := campaign.Totals()
	list := fmt.Sprintf("/v1/messages?campaign_id=7&start_ts=%d&end_ts=%d&limit=1000", campaign.Start.Unix(), campaign.Start.Add(time.Hour).Unix())
	if n := len(deliveries(t, app, list, func() {})); n != campaign.Deliveries {
		t.Errorf("%d deliveries, want %d", n, campaign.Deliveries)
	}
	for _, m := range []webhook.Metric{webhook.Sent, webhook.Bounced, webhook.Opened, webhook.Clicked, webhook.Spammed, webhook.Unsubscribed, webhook.Dropped} {
		if n := len(deliveries(t, app, list+"&metric="+string(m), func() {})); n != totals.Deliveries[m] {
			t.Errorf("%d deliveries %s, want %d", n, m, totals.Deliveries[m])
		}
	}
}

// The campaign of an event and its steps have names in the App API.
func TestAppNames(t *testing.T) {
	t.Parallel()
	app := customeriotest.NewApp(customeriotest.AppConfig{})
	app.SeedSources(customeriotest.Source{Kind: "campaign", ID: 7, Name: "Onboarding"})
	for body := range campaign.Events() {
		app.Record(body)
		break
	}
	_, list := call(t, app, "GET", "/v1/campaigns", "")
	_, actions := call(t, app, "GET", "/v1/campaigns/7/actions", "")
	want := []any{map[string]any{"id": 7.0, "name": "Onboarding", "actions": []any{map[string]any{"id": 71.0, "type": "email"}}}}
	if diff := cmp.Diff(want, list["campaigns"]); diff != "" {
		t.Errorf("campaigns (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]any{map[string]any{"id": 71.0, "type": "email", "name": "Step 1"}}, actions["actions"]); diff != "" {
		t.Errorf("actions (-want +got):\n%s", diff)
	}
}

// While deliveries arrive, a list from the newest on repeats items, and a list from the
// oldest on does not. A forgotten delivery lets a list skip another.
func TestAppUnstablePages(t *testing.T) {
	t.Parallel()
	const path = "/v1/messages?start_ts=1&end_ts=1772450000"
	for _, newest := range []bool{false, true} {
		app := customeriotest.NewApp(customeriotest.AppConfig{Rate: 100, PageSize: 10, NewestFirst: newest})
		record := func(n int) {
			for i := range 5 {
				app.Record(fmt.Appendf(nil, `{"event_id":"%[1]d","object_type":"sms","metric":"sent","timestamp":1772440000,"data":{"delivery_id":"d%[1]d"}}`, n+i))
			}
		}
		for n := range 5 {
			record(5 * n)
		}
		more := 25
		ids := deliveries(t, app, path, func() { record(more); more += 5 })
		slices.Sort(ids)
		if unique := len(slices.Compact(slices.Clone(ids))); newest == (unique == len(ids)) {
			t.Errorf("newest first %v: %d ids, %d of them unique", newest, len(ids), unique)
		}
	}
	app := recorded(customeriotest.AppConfig{Rate: 100, PageSize: 1000})
	list := "/v1/messages?limit=1000&type=email&start_ts=1&end_ts=1772500000"
	first := deliveries(t, app, list, func() {})[0]
	if n := len(deliveries(t, app, list, func() { app.Forget(first) })); n != campaign.Deliveries-1 {
		t.Errorf("%d deliveries in spite of the forgotten, want %d", n, campaign.Deliveries-1)
	}
}

// One delivery has the fields of its webhooks, and human_opened as a time or a number.
func TestAppDelivery(t *testing.T) {
	t.Parallel()
	for _, counts := range []bool{false, true} {
		app := customeriotest.NewApp(customeriotest.AppConfig{HumanCounts: counts})
		for _, metric := range []string{`"sent","timestamp":100`, `"opened","timestamp":300`, `"opened","timestamp":200`, `"deferred","timestamp":50`} {
			app.Record([]byte(`{"event_id":"x","object_type":"email","metric":` + metric + `,"data":{"delivery_id":"D=","customer_id":"joe","campaign_id":7}}`))
		}
		_, answer := call(t, app, "GET", "/v1/messages/D%3D", "")
		message := answer["message"].(map[string]any)
		want := map[string]any{"created": 100.0, "sent": 100.0, "opened": 200.0, "human_opened": 200.0}
		if counts {
			want["human_opened"] = 2.0
		}
		if diff := cmp.Diff(want, message["metrics"]); diff != "" {
			t.Errorf("metrics (-want +got):\n%s", diff)
		}
		if message["customer_id"] != "joe" || message["campaign_id"] != 7.0 || message["newsletter_id"] != nil {
			t.Errorf("message %v", message)
		}
	}
}

func TestAppFaultsAndDelay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		app := customeriotest.NewApp(customeriotest.AppConfig{Delay: 3 * time.Second})
		app.SetFault(sequence(customeriotest.Fault{Status: 503}))
		start := time.Now()
		for _, want := range []int{503, 200} {
			if w := request(app, "GET", "/v1/campaigns", ""); w.Code != want {
				t.Errorf("status %d, want %d", w.Code, want)
			}
		}
		if took := time.Since(start); took != 6*time.Second {
			t.Errorf("two answers took %v, want 6 s", took)
		}
		if got := app.Counts(); got != (customeriotest.AppCounts{Requests: 2, Faults: 1}) {
			t.Errorf("counts %+v", got)
		}
	})
}

// Deliveries disappear at an age, and each key may have a rate of its own.
func TestAppKeptAndRatePerKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		app := customeriotest.NewApp(customeriotest.AppConfig{Kept: time.Hour, Rate: 1, RatePerKey: true})
		now := time.Now().Unix()
		for i, age := range []int64{60, 7200} {
			app.Record(fmt.Appendf(nil, `{"event_id":"x","object_type":"sms","metric":"sent","timestamp":%d,"data":{"delivery_id":"d%d"}}`, now-age, i))
		}
		if ids := deliveries(t, app, "/v1/messages?start_ts=1", func() {}); !slices.Equal(ids, []string{"d0"}) {
			t.Errorf("deliveries %v, want d0", ids)
		}
		r := httptest.NewRequest(http.MethodGet, "/v1/campaigns", http.NoBody)
		r.Header.Set("Authorization", "Bearer other-key")
		w := httptest.NewRecorder()
		app.ServeHTTP(w, r)
		if own := request(app, "GET", "/v1/campaigns", "").Code; w.Code != 200 || own != 429 {
			t.Errorf("another key %d, the same key %d, want 200 and 429", w.Code, own)
		}
	})
}
