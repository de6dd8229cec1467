package doctor_test

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/cioevents/cioevents/internal/customerio/customeriotest"
	"github.com/cioevents/cioevents/internal/doctor"
)

// all are the words of all events.
func all(t *testing.T) []string {
	t.Helper()
	app, fake := serve(t)
	ensure(t, app, doctor.WebhookOrder{})
	return fake.Webhooks()[0].Events
}

// registered returns the findings about the registration of a workspace with the webhooks.
func registered(t *testing.T, url string, env map[string]string, seeded ...customeriotest.Webhook) string {
	t.Helper()
	fake := customeriotest.NewApp(customeriotest.AppConfig{Key: "app"})
	fake.SeedWebhooks(seeded...)
	server := httptest.NewServer(fake)
	t.Cleanup(server.Close)
	ws, _, app := workspaces(t, env)
	app.URL = server.URL
	checks := doctor.WebhookChecks(doctor.WebhookCheckOrder{Workspaces: &ws, App: app, URL: url, Path: "/webhooks/customerio"})
	return strings.Join(findings(t, checks), "\n")
}

func TestRegisteredWebhook(t *testing.T) {
	t.Parallel()
	good := customeriotest.Webhook{ID: 7, Name: "ours", Endpoint: endpoint, Events: all(t), FullResolution: true}
	change := func(f func(*customeriotest.Webhook)) customeriotest.Webhook {
		w := good
		f(&w)
		return w
	}
	const run = "run cioctl webhook ensure --url https://hooks.example.com/webhooks/customerio"
	for name, c := range map[string]struct {
		url    string
		env    map[string]string
		seeded []customeriotest.Webhook
		want   string
	}{
		"healthy":         {url: endpoint, seeded: []customeriotest.Webhook{foreign, good}, want: "registered: ok: webhook 7, ours, sends all 72 events to " + endpoint},
		"without a URL":   {seeded: []customeriotest.Webhook{foreign, good}, want: "registered: ok: webhook 7, ours, sends all 72 events to " + endpoint},
		"none":            {url: endpoint, seeded: []customeriotest.Webhook{foreign}, want: "registered: fail: no reporting webhook of the workspace posts to " + endpoint + " → " + run},
		"disabled":        {url: endpoint, seeded: []customeriotest.Webhook{change(func(w *customeriotest.Webhook) { w.Disabled = true })}, want: "registered: fail: webhook 7, ours: disabled: no event is sent → " + run + " with the signing key: it enables the webhook"},
		"full_resolution": {url: endpoint, seeded: []customeriotest.Webhook{change(func(w *customeriotest.Webhook) { w.FullResolution = false })}, want: "registered: warn: webhook 7, ours: full_resolution is off: only the first open and click of a message is sent → " + run},
		"missing words":   {url: endpoint, seeded: []customeriotest.Webhook{change(func(w *customeriotest.Webhook) { w.Events = w.Events[2:] })}, want: "registered: warn: webhook 7, ours: 2 events are not sent: " + strings.Join(good.Events[:2], ", ") + " → " + run},
		"JavaScript":      {url: endpoint, seeded: []customeriotest.Webhook{change(func(w *customeriotest.Webhook) { w.Type = "js" })}, want: "registered: fail: webhook 7, ours: a JavaScript webhook: its script decides what is sent → delete the webhook in Customer.io, and " + run},
		"two": {
			url: endpoint, seeded: []customeriotest.Webhook{good, change(func(w *customeriotest.Webhook) { w.ID, w.Endpoint = 9, endpoint+"/" })},
			want: "registered: fail: webhook 7, ours: webhook 9 has the same endpoint: every event may come twice → delete one of them in Customer.io",
		},
		"two, one with the workspace": {
			url: endpoint, seeded: []customeriotest.Webhook{good, change(func(w *customeriotest.Webhook) { w.ID, w.Endpoint = 9, endpoint+"/default" })},
			want: "registered: fail: webhook 7, ours: webhook 9 posts to the same ingest: every event may come twice → delete one of them in Customer.io",
		},
		"two hosts": {
			seeded: []customeriotest.Webhook{good, change(func(w *customeriotest.Webhook) {
				w.ID, w.Endpoint = 9, "https://staging.example.com/webhooks/customerio"
			})},
			want: "registered: ok: webhook 7, ours",
		},
		"workspace": {
			url: endpoint, env: map[string]string{"CUSTOMERIO_WORKSPACES": "acme", "CUSTOMERIO_ACME_APP_API_KEY": "app"},
			seeded: []customeriotest.Webhook{change(func(w *customeriotest.Webhook) { w.Endpoint += "/acme" })},
			want:   "registered: ok: webhook 7, ours, sends all 72 events to " + endpoint + "/acme",
		},
		"no key":    {env: map[string]string{"x": "y"}, want: "registered: skip: CUSTOMERIO_APP_API_KEY is not set here"},
		"wrong key": {env: map[string]string{"CUSTOMERIO_APP_API_KEY": "apq"}, want: "the App API key is not accepted: check the credentials of the workspace → correct the key or its scopes: see the findings of customerio, App API"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if c.env == nil {
				c.env = map[string]string{"CUSTOMERIO_APP_API_KEY": "app"}
			}
			if got := registered(t, c.url, c.env, c.seeded...); !strings.Contains(got, c.want) {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

// A password in an endpoint is not printed.
func TestRegisteredWebhookHidesPasswords(t *testing.T) {
	t.Parallel()
	hook := customeriotest.Webhook{ID: 7, Name: "ours", Endpoint: "https://user:hunter2@hooks.example.com/webhooks/customerio", Events: []string{"email_sent"}, Disabled: true}
	for _, url := range []string{endpoint, hook.Endpoint, "https://user:hunter2@other.example.com/in"} {
		got := registered(t, url, map[string]string{"CUSTOMERIO_APP_API_KEY": "app"}, hook)
		if strings.Contains(got, "hunter2") || !strings.Contains(got, "cioctl webhook ensure --url https://xxxxx@") {
			t.Error(fmt.Sprint(url, ":\n", got))
		}
	}
}
