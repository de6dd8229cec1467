package customerio_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/customerio"
	"github.com/cioevents/cioevents/internal/customerio/customeriotest"
	"github.com/cioevents/cioevents/pkg/webhook/webhooktest"
)

var ours = customerio.ReportingWebhook{
	Name: "cioevents", Endpoint: "https://hooks.example.com/webhooks/customerio", Events: []string{"email_sent"},
	Disabled: true, FullResolution: true,
}

func TestReportingWebhooks(t *testing.T) {
	t.Parallel()
	fake := customeriotest.NewApp(customeriotest.AppConfig{Key: appKey})
	fake.SeedWebhooks(customeriotest.Webhook{ID: 40, Type: "js", Name: "other", Events: []string{"sms_sent"}})
	a := serveApp(t, fake)
	created, err := a.CreateWebhook(t.Context(), ours)
	if err != nil || created.ID != 41 || created.Type != "webhook" {
		t.Fatalf("created %+v, %v", created, err)
	}
	created.Events, created.Disabled = []string{"email_sent", "email_opened"}, false
	if _, err := a.UpdateWebhook(t.Context(), created); err != nil {
		t.Fatal(err)
	}
	got, err := a.Webhook(t.Context(), 41)
	if diff := cmp.Diff(created, got); err != nil || diff != "" {
		t.Errorf("error %v, webhook (-want +got):\n%s", err, diff)
	}
	list, err := webhooks(t.Context(), a)
	if err != nil || len(list) != 2 || list[0].Name != "other" || list[0].Type != "js" || list[1].ID != 41 {
		t.Errorf("list %+v, %v", list, err)
	}
	if _, err := a.Webhook(t.Context(), 7); err == nil || !strings.Contains(err.Error(), "get reporting webhook: status 404: not found") {
		t.Errorf("error %v, want 404", err)
	}
	created.Events = nil
	if _, err := a.UpdateWebhook(t.Context(), created); err == nil || !strings.Contains(err.Error(), "events is required") {
		t.Errorf("error %v, want one about the events", err)
	}
}

// Sources come from all lists and pages, with the names that people gave them, from the
// campaign that the webhooks tell of, too.
func TestSources(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake := customeriotest.NewApp(customeriotest.AppConfig{PageSize: 2})
		for body := range (webhooktest.Campaign{Deliveries: 10, CampaignID: 7}).Events() {
			fake.Record(body)
		}
		fake.SeedSources(customeriotest.Source{Kind: "broadcast", ID: 7, Name: "Sale", Actions: []customeriotest.Action{
			{ID: 1, Type: "email", Name: "One"}, {ID: 2, Type: "push", Name: "Two"}, {ID: 3, Type: "slack"},
		}})
		fake.SeedSources(customeriotest.Source{Kind: "transactional", ID: 2, Name: "Receipt"})
		for i := range int64(5) {
			fake.SeedSources(customeriotest.Source{Kind: "newsletter", ID: i + 1, Name: fmt.Sprint("News ", i+1)})
		}
		fake.SeedSources(
			customeriotest.Source{Kind: "newsletter", ID: 6, Name: "A/B", Contents: []customeriotest.Content{
				{ID: 61, Name: "Variant A"}, {ID: 62, Language: "fr"},
			}},
			customeriotest.Source{Kind: "newsletter", ID: 7, Name: "One language", Contents: []customeriotest.Content{{ID: 63}}})
		want := []customerio.Source{
			{Kind: "campaign", ID: 7, Name: "Campaign 7"},
			{Kind: "campaign", ID: 7, ActionID: 71, Name: "Step 1"},
			{Kind: "broadcast", ID: 7, Name: "Sale"},
			{Kind: "broadcast", ID: 7, ActionID: 1, Name: "One"},
			{Kind: "broadcast", ID: 7, ActionID: 2, Name: "Two"},
			{Kind: "broadcast", ID: 7, ActionID: 3},
			{Kind: "newsletter", ID: 1, Name: "News 1"},
			{Kind: "newsletter", ID: 2, Name: "News 2"},
			{Kind: "newsletter", ID: 3, Name: "News 3"},
			{Kind: "newsletter", ID: 4, Name: "News 4"},
			{Kind: "newsletter", ID: 5, Name: "News 5"},
			{Kind: "newsletter", ID: 6, Name: "A/B"},
			{Kind: "newsletter", ID: 6, ContentID: 61, Name: "Variant A"},
			{Kind: "newsletter", ID: 6, ContentID: 62, Name: "fr"},
			{Kind: "newsletter", ID: 7, Name: "One language"},
			{Kind: "transactional", ID: 2, Name: "Receipt"},
		}
		var got []customerio.Source
		for s, err := range direct(t, fake).Sources(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, s)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("sources (-want +got):\n%s", diff)
		}
	})
}

// A page that names itself as the next ends the list with an error. An id may be a text,
// and next a number.
func TestPages(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var paths []string
		a := direct(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			paths = append(paths, r.URL.Path+"?"+r.URL.RawQuery)
			io.WriteString(w, map[string]string{
				"/v1/campaigns":     `{"campaigns":[{"id":"5","name":"Text"}],"next":null}`,
				"/v1/broadcasts":    `{"broadcasts":null}`,
				"/v1/newsletters":   `{"newsletters":[{"id":6,"name":"Number"}],"next":100}`,
				"/v1/transactional": `{"messages":[]}`,
			}[r.URL.Path])
		}))
		var got []customerio.Source
		var failure error
		for s, err := range a.Sources(t.Context()) {
			if err != nil {
				failure = err
				break
			}
			got = append(got, s)
		}
		if len(got) != 2 || got[0].ID != 5 || got[1].ID != 6 {
			t.Errorf("sources %+v", got)
		}
		if failure == nil || failure.Error() != "list newsletters: a page names itself as the next page" {
			t.Errorf("error %v", failure)
		}
		if last := paths[len(paths)-1]; last != "/v1/newsletters?limit=100&start=100" {
			t.Errorf("last call %s", last)
		}
	})
}

func TestScopes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		cfg  customeriotest.AppConfig
		want string
	}{
		{"all", customeriotest.AppConfig{}, "reporting webhooks ok, campaigns ok, broadcasts ok, newsletters ok, transactional messages ok, deliveries ok"},
		{"some", customeriotest.AppConfig{Denied: []string{"/v1/campaigns", "/v1/messages"}}, "reporting webhooks ok, campaigns denied, broadcasts ok, newsletters ok, transactional messages ok, deliveries denied"},
		{"wrong key", customeriotest.AppConfig{Key: "other"}, "reporting webhooks denied"},
	} {
		synctest.Test(t, func(t *testing.T) {
			var got []string
			for _, s := range direct(t, customeriotest.NewApp(c.cfg)).Scopes(t.Context()) {
				word := " ok"
				if s.Err != nil {
					word = " denied"
				}
				got = append(got, s.Name+word)
			}
			if text := strings.Join(got, ", "); text != c.want {
				t.Errorf("%s: %s\nwant %s", c.name, text, c.want)
			}
		})
	}
}

// The list of addresses needs no key, and gets none.
func TestAddresses(t *testing.T) {
	t.Parallel()
	fake := customeriotest.NewApp(customeriotest.AppConfig{Key: "other"})
	var sent []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent = append(sent, r.Header.Get("Authorization"))
		fake.ServeHTTP(w, r)
	}))
	defer server.Close()
	list, err := customerio.Addresses(t.Context(), customerio.AppConfig{URL: server.URL})
	if err != nil || fmt.Sprint(list) != "[192.0.2.10 192.0.2.11 198.51.100.7]" || len(sent) != 1 || sent[0] != "" {
		t.Errorf("addresses %v, %v, credentials %q", list, err, sent)
	}
}
