package doctor_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/customerio"
	"github.com/cioevents/cioevents/internal/customerio/customeriotest"
	"github.com/cioevents/cioevents/internal/doctor"
)

const endpoint = "https://hooks.example.com/webhooks/customerio"

// foreign is a webhook of another program.
var foreign = customeriotest.Webhook{ID: 3, Name: "crm", Endpoint: "https://crm.example.com/in", Events: []string{"email_sent"}}

func serve(t *testing.T, seeded ...customeriotest.Webhook) (*customerio.App, *customeriotest.App) {
	t.Helper()
	fake := customeriotest.NewApp(customeriotest.AppConfig{})
	fake.SeedWebhooks(seeded...)
	server := httptest.NewServer(fake)
	t.Cleanup(server.Close)
	app, err := customerio.NewApp(customerio.AppConfig{Key: "k", URL: server.URL, Rate: 10})
	if err != nil {
		t.Fatal(err)
	}
	return app, fake
}

func ensure(t *testing.T, app *customerio.App, o doctor.WebhookOrder) *doctor.Ensured {
	t.Helper()
	o.URL = endpoint
	got, err := doctor.EnsureWebhook(t.Context(), app, o)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// The webhook is created once, disabled until the key is there, and never touched without
// need. Other webhooks stay.
func TestEnsureWebhook(t *testing.T) {
	t.Parallel()
	app, fake := serve(t, foreign)
	for _, c := range []struct {
		order    doctor.WebhookOrder
		change   string
		disabled bool
		count    int
	}{
		{doctor.WebhookOrder{DryRun: true}, doctor.Created, true, 1},
		{doctor.WebhookOrder{}, doctor.Created, true, 2},
		{doctor.WebhookOrder{}, doctor.Unchanged, true, 2},
		{doctor.WebhookOrder{HasKey: true, DryRun: true}, doctor.Updated, false, 2},
		{doctor.WebhookOrder{HasKey: true}, doctor.Updated, false, 2},
		{doctor.WebhookOrder{HasKey: true}, doctor.Unchanged, false, 2},
		{doctor.WebhookOrder{}, doctor.Unchanged, false, 2},
		{doctor.WebhookOrder{WithContent: true}, doctor.Updated, false, 2},
		{doctor.WebhookOrder{}, doctor.Unchanged, false, 2},
	} {
		got := ensure(t, app, c.order)
		list := fake.Webhooks()
		if got.Change != c.change || got.Disabled != c.disabled || len(list) != c.count {
			t.Errorf("%+v: %s, disabled %t, %d webhooks; want %s, %t, %d", c.order, got.Change, got.Disabled, len(list), c.change, c.disabled, c.count)
		}
		want := foreign
		want.Type = "webhook"
		if diff := cmp.Diff(want, list[0]); diff != "" {
			t.Fatalf("the foreign webhook changed (-want +got):\n%s", diff)
		}
	}
	w := fake.Webhooks()[1]
	if len(w.Events) != 72 || w.Name != "cioevents" || w.Endpoint != endpoint || !w.FullResolution || !w.WithContent {
		t.Errorf("webhook %+v", w)
	}
}

// An existing webhook keeps its name and its events, and gets what it lacks.
func TestEnsureCorrectsAWebhook(t *testing.T) {
	t.Parallel()
	app, fake := serve(t, foreign, customeriotest.Webhook{ID: 9, Name: "By hand", Endpoint: "HTTPS://Hooks.example.com:443/webhooks/customerio/", Events: []string{"sms_replied"}, Disabled: true, WithContent: true})
	got := ensure(t, app, doctor.WebhookOrder{})
	w := fake.Webhooks()[1]
	if got.Change != doctor.Updated || w.Name != "By hand" || w.Events[0] != "sms_replied" || len(w.Events) != 72 || !w.FullResolution || !w.Disabled || !w.WithContent {
		t.Errorf("%s: %+v", got.Change, w)
	}
}

// With several webhooks at the endpoint nobody can tell which one to correct.
func TestEnsureRefuses(t *testing.T) {
	t.Parallel()
	mine := customeriotest.Webhook{Name: "a", Endpoint: endpoint, Events: []string{"email_sent"}}
	script := mine
	script.Type = "js"
	for want, seeded := range map[string][]customeriotest.Webhook{
		"the webhooks 1 and 2 have this endpoint":              {mine, mine},
		"webhook 1 with this endpoint is a JavaScript webhook": {script},
	} {
		app, fake := serve(t, seeded...)
		before := fake.Webhooks()
		_, err := doctor.EnsureWebhook(t.Context(), app, doctor.WebhookOrder{URL: endpoint, HasKey: true})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
		if diff := cmp.Diff(before, fake.Webhooks()); diff != "" {
			t.Errorf("the webhooks changed:\n%s", diff)
		}
	}
}

// When the answer to the creation is lost, the next run finds the webhook.
func TestEnsureAfterALostAnswer(t *testing.T) {
	t.Parallel()
	app, fake := serve(t)
	fake.SetFault(func(r *http.Request) *customeriotest.Fault {
		if r.Method == http.MethodPost {
			return &customeriotest.Fault{Drop: true, AfterEffect: true}
		}
		return nil
	})
	if _, err := doctor.EnsureWebhook(t.Context(), app, doctor.WebhookOrder{URL: endpoint}); err == nil {
		t.Error("no error after a lost answer")
	}
	if got := ensure(t, app, doctor.WebhookOrder{}); got.Change != doctor.Unchanged || len(fake.Webhooks()) != 1 {
		t.Errorf("%s, %d webhooks; want one, unchanged", got.Change, len(fake.Webhooks()))
	}
}

func TestListWebhooksWarns(t *testing.T) {
	t.Parallel()
	app, fake := serve(t, foreign,
		customeriotest.Webhook{Name: "a", Endpoint: endpoint, Events: []string{"email_sent"}, Disabled: true},
		customeriotest.Webhook{Name: "b", Type: "js", Endpoint: endpoint + "/", FullResolution: true},
		customeriotest.Webhook{Name: "c", Endpoint: endpoint + "/acme", FullResolution: true},
	)
	good, err := doctor.EnsureWebhook(t.Context(), app, doctor.WebhookOrder{URL: "https://other.example.com/webhooks/customerio", HasKey: true})
	if err != nil || len(good.Warnings) != 0 {
		t.Fatalf("a new webhook: %v, %v", good, err)
	}
	for url, want := range map[string]string{
		endpoint: "crm: | " +
			"a: disabled, full_resolution is off, 71 events are not sent, webhook 5 has the same endpoint | " +
			"b: a JavaScript webhook, 72 events are not sent, webhook 4 has the same endpoint | c: | cioevents:",
		"": "crm: | " +
			"a: disabled, full_resolution is off, 71 events are not sent, webhook 5 has the same endpoint, webhook 6 posts to the same ingest | " +
			"b: a JavaScript webhook, 72 events are not sent, webhook 4 has the same endpoint, webhook 6 posts to the same ingest | " +
			"c: 72 events are not sent, webhook 4 posts to the same ingest, webhook 5 posts to the same ingest | cioevents:",
	} {
		list, err := doctor.ListWebhooks(t.Context(), app, url, "/webhooks/customerio")
		if err != nil || len(list) != len(fake.Webhooks()) {
			t.Fatalf("%d webhooks, %v", len(list), err)
		}
		var got []string
		for _, w := range list {
			short := slices.Clone(w.Warnings)
			for i := range short {
				short[i], _, _ = strings.Cut(short[i], ":")
			}
			got = append(got, strings.TrimSpace(w.Name+": "+strings.Join(short, ", ")))
		}
		if diff := cmp.Diff(want, strings.Join(got, " | ")); diff != "" {
			t.Errorf("url %q (-want +got):\n%s", url, diff)
		}
	}
}
