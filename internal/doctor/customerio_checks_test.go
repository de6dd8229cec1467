package doctor_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/customerio"
	"github.com/cioevents/cioevents/internal/customerio/customeriotest"
	"github.com/cioevents/cioevents/internal/doctor"
)

// hosts sends the calls of each of Customer.io's hosts to a server of this machine.
type hosts map[string]string

func (h hosts) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.URL.Scheme, r.URL.Host = "http", h[r.URL.Host]
	return http.DefaultTransport.RoundTrip(r)
}

// customers is Customer.io with an account in a region. The Track API knows the account in
// both regions, the App API only in the account's own.
func customers(t *testing.T, region string, app customeriotest.AppConfig) hosts {
	t.Helper()
	at := func(h http.Handler) string {
		server := httptest.NewServer(h)
		t.Cleanup(server.Close)
		return server.Listener.Addr().String()
	}
	app.Key = "app"
	track := at(customeriotest.New(customeriotest.Config{SiteID: "site", APIKey: "track", Region: region}))
	own, other := at(customeriotest.NewApp(app)), at(customeriotest.NewApp(customeriotest.AppConfig{Key: "of nobody"}))
	h := hosts{"track.customer.io": track, "track-eu.customer.io": track, "api.customer.io": own, "api-eu.customer.io": other}
	if region == "eu" {
		h["api.customer.io"], h["api-eu.customer.io"] = other, own
	}
	return h
}

// workspaces reads the environment as the programs do.
func workspaces(t *testing.T, env map[string]string) (all config.Workspaces, track customerio.Config, app customerio.AppConfig) {
	t.Helper()
	set := config.New("test", func(name string) string { return env[name] })
	all.Declare(set, config.WantSecrets, config.WantTrack, config.WantApp)
	track.Declare(set)
	app.Declare(set)
	if err := set.Load(); err != nil {
		t.Fatal(err)
	}
	app.Region = track.Region
	return all, track, app
}

// findings runs the checks, and returns a line for each finding.
func findings(t *testing.T, checks []doctor.Check) (list []string) {
	t.Helper()
	doctor.Run(t.Context(), checks, func(f doctor.Finding) {
		line := f.Check + ": " + string(f.State) + ": " + f.Detail
		if f.Remedy != "" {
			line += " → " + f.Remedy
		}
		list = append(list, line)
	})
	return list
}

func TestCustomerioChecks(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		region string
		app    customeriotest.AppConfig
		env    map[string]string
		want   []string
	}{
		"healthy": {want: []string{
			"keys: ok: set here: CUSTOMERIO_SITE_ID, CUSTOMERIO_TRACK_API_KEY, CUSTOMERIO_APP_API_KEY, CUSTOMERIO_WEBHOOK_SECRET",
			"Track API: ok: credentials accepted, region us",
			"App API: ok: key accepted, may read 6 parts",
		}},
		"no keys": {
			env: map[string]string{"SITE_ID": "", "TRACK_API_KEY": "", "APP_API_KEY": "", "WEBHOOK_SECRET": ""},
			want: []string{
				"keys: skip: no key of Customer.io is set here",
				"Track API: skip: CUSTOMERIO_SITE_ID and CUSTOMERIO_TRACK_API_KEY are not set here",
				"App API: skip: CUSTOMERIO_APP_API_KEY is not set here: webhook, names and audit need the key",
			},
		},
		"no site id": {
			env: map[string]string{"SITE_ID": ""},
			want: []string{"Track API: fail: only one of CUSTOMERIO_SITE_ID and CUSTOMERIO_TRACK_API_KEY is set → " +
				"set both: Customer.io shows them together under API credentials"},
		},
		"wrong Track key": {
			env: map[string]string{"TRACK_API_KEY": "tracl"},
			want: []string{"Track API: fail: get region: status 401: site id and Track API key are not accepted: check the credentials of the workspace → " +
				"copy CUSTOMERIO_SITE_ID and CUSTOMERIO_TRACK_API_KEY again, from the API credentials of this workspace in Customer.io"},
		},
		"wrong region": {region: "eu", want: []string{
			"Track API: fail: the account is in region eu → set CUSTOMERIO_REGION=eu",
			"App API: fail: status 401: the App API key is not accepted: check the credentials of the workspace → the key belongs to region eu: set CUSTOMERIO_REGION=eu",
		}},
		"right region": {region: "eu", env: map[string]string{"REGION": "eu"}, want: []string{
			"Track API: ok: credentials accepted, region eu", "App API: ok: key accepted, may read 6 parts",
		}},
		"wrong App key": {env: map[string]string{"APP_API_KEY": "apq"}, want: []string{
			"App API: fail: status 401: the App API key is not accepted: check the credentials of the workspace → " +
				"create a key in Customer.io under Account settings, API credentials, App API keys, for this workspace, and set CUSTOMERIO_APP_API_KEY to it",
		}},
		"few scopes": {app: customeriotest.AppConfig{Denied: []string{"/v1/campaigns", "/v1/messages"}}, want: []string{
			"App API: fail: the key may not read campaigns, deliveries → give the App API key these scopes in Customer.io, or create a key with them",
		}},
		"Track and App exchanged": {env: map[string]string{"TRACK_API_KEY": "app", "APP_API_KEY": "track"}, want: []string{
			"→ CUSTOMERIO_APP_API_KEY has the Track API key: put it into CUSTOMERIO_TRACK_API_KEY, and an App API key into CUSTOMERIO_APP_API_KEY",
			"→ CUSTOMERIO_TRACK_API_KEY has the App API key: put it into CUSTOMERIO_APP_API_KEY, and the Track API key into CUSTOMERIO_TRACK_API_KEY",
		}},
		"site id and key exchanged": {env: map[string]string{"TRACK_API_KEY": "site", "SITE_ID": "track"}, want: []string{
			"→ exchange the values of CUSTOMERIO_SITE_ID and CUSTOMERIO_TRACK_API_KEY",
		}},
		"signing key twice": {env: map[string]string{"APP_API_KEY": "secret"}, want: []string{
			"keys: fail: CUSTOMERIO_APP_API_KEY and CUSTOMERIO_WEBHOOK_SECRET have the same value → copy each key again",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := map[string]string{}
			for suffix, value := range map[string]string{"SITE_ID": "site", "TRACK_API_KEY": "track", "APP_API_KEY": "app", "WEBHOOK_SECRET": "old,secret"} {
				env["CUSTOMERIO_"+suffix] = value
			}
			for suffix, value := range c.env {
				env["CUSTOMERIO_"+suffix] = value
			}
			all, track, app := workspaces(t, env)
			if c.region == "" {
				c.region = "us"
			}
			track.Transport = customers(t, c.region, c.app)
			app.Transport = track.Transport
			got := findings(t, doctor.CustomerioChecks(doctor.CustomerioOrder{Workspaces: &all, Track: track, App: app}))
			for _, want := range c.want {
				if !strings.Contains(strings.Join(got, "\n"), want) {
					t.Errorf("no %q in\n%s", want, strings.Join(got, "\n"))
				}
			}
			if text := strings.Join(got, "\n"); strings.Contains(text, "tracl") || strings.Contains(text, "apq") {
				t.Errorf("a key is printed:\n%s", text)
			}
		})
	}
}

// The addresses of the fake are 192.0.2.10, 192.0.2.11 and 198.51.100.7.
func TestAllowedNetworks(t *testing.T) {
	t.Parallel()
	for networks, want := range map[string]string{
		"":                           "networks: ok: ALLOWED_NETWORKS is empty here: if ingest has none, every address may call, and the signature protects",
		"192.0.2.0/24,198.51.0.0/16": "networks: ok: ALLOWED_NETWORKS has all 3 addresses that Customer.io calls from",
		"192.0.2.10/32,10.0.0.0/8": "networks: fail: ALLOWED_NETWORKS lacks 2 of the 3 addresses that Customer.io calls from: ingest answers them 503, and the queue waits → " +
			"add to ALLOWED_NETWORKS of every ingest: 192.0.2.11,198.51.100.7",
	} {
		all, track, app := workspaces(t, nil)
		app.Transport = customers(t, "us", customeriotest.AppConfig{})
		o := doctor.CustomerioOrder{Workspaces: &all, Track: track, App: app}
		for _, n := range config.SplitList(networks) {
			o.Allowed = append(o.Allowed, netip.MustParsePrefix(n))
		}
		if diff := cmp.Diff(want, findings(t, doctor.CustomerioChecks(o))[3]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", networks, diff)
		}
	}
}

// Each workspace has its own keys and its own region, and the checks name the workspace.
func TestCustomerioOfWorkspaces(t *testing.T) {
	t.Parallel()
	all, track, app := workspaces(t, map[string]string{
		"CUSTOMERIO_WORKSPACES": "acme,globex", "CUSTOMERIO_ACME_SITE_ID": "site", "CUSTOMERIO_ACME_TRACK_API_KEY": "track",
		"CUSTOMERIO_GLOBEX_REGION": "uk", "CUSTOMERIO_GLOBEX_APP_API_KEY": "app",
	})
	track.Transport = customers(t, "eu", customeriotest.AppConfig{})
	app.Transport = track.Transport
	got := strings.Join(findings(t, doctor.CustomerioChecks(doctor.CustomerioOrder{Workspaces: &all, Track: track, App: app})), "\n")
	for _, want := range []string{
		"acme: Track API: fail: the account is in region eu → set CUSTOMERIO_ACME_REGION=eu",
		"acme: App API: skip: CUSTOMERIO_ACME_APP_API_KEY is not set here",
		`globex: App API: fail: invalid CUSTOMERIO_GLOBEX_REGION "uk": want us or eu → correct the setting`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

// An API that does not answer is a finding with the cause.
func TestCustomerioUnreachable(t *testing.T) {
	t.Parallel()
	for cause, want := range map[error]string{
		syscall.ECONNREFUSED: "connection refused → try again; if it stays, look at DNS",
		nil:                  "no answer within 7s → try again",
	} {
		synctest.Test(t, func(t *testing.T) {
			all, track, app := workspaces(t, map[string]string{"CUSTOMERIO_SITE_ID": "site", "CUSTOMERIO_TRACK_API_KEY": "track", "CUSTOMERIO_APP_API_KEY": "app"})
			track.Transport = silent{cause}
			app.Transport = track.Transport
			got := findings(t, doctor.CustomerioChecks(doctor.CustomerioOrder{Workspaces: &all, Track: track, App: app}))
			for i, start := range []string{"Track API: fail: get region: ", "App API: fail: try the scope for reporting webhooks: "} {
				if !strings.HasPrefix(got[i+1], start) || !strings.Contains(got[i+1], want) {
					t.Errorf("got %s, want %s … %s", got[i+1], start, want)
				}
			}
		})
	}
}

// A 429 says that others are busy: nothing here is known to be wrong.
func TestCustomerioRateLimited(t *testing.T) {
	t.Parallel()
	busy := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "60")
		w.WriteHeader(http.StatusTooManyRequests)
	})
	all, track, app := workspaces(t, map[string]string{"CUSTOMERIO_SITE_ID": "site", "CUSTOMERIO_TRACK_API_KEY": "track", "CUSTOMERIO_APP_API_KEY": "app"})
	track.Transport, app.Transport = direct{busy}, direct{busy}
	got := findings(t, append(doctor.CustomerioChecks(doctor.CustomerioOrder{Workspaces: &all, Track: track, App: app}),
		doctor.WebhookChecks(doctor.WebhookCheckOrder{Workspaces: &all, App: app, Path: "/webhooks/customerio"})...))
	text := strings.Join(got, "\n")
	if n := strings.Count(text, " → try again in a minute: other programs use up the calls"); n != 3 || strings.Contains(text, ": fail") {
		t.Errorf("%d of 3 calls:\n%s", n, text)
	}
}

// silent is a network that refuses, or a black hole.
type silent struct{ cause error }

func (s silent) RoundTrip(r *http.Request) (*http.Response, error) {
	if s.cause == nil {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	return nil, s.cause
}

// With many workspaces the rate leaves no time for every part.
func TestCustomerioOfManyWorkspaces(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		env := map[string]string{}
		for i := range 10 {
			name := fmt.Sprintf("w%d", i)
			env["CUSTOMERIO_WORKSPACES"] += name + ","
			env["CUSTOMERIO_W"+fmt.Sprint(i)+"_APP_API_KEY"] = "app"
		}
		all, track, app := workspaces(t, env)
		fake := customeriotest.NewApp(customeriotest.AppConfig{})
		app.Transport = direct{fake}
		got := findings(t, append(doctor.CustomerioChecks(doctor.CustomerioOrder{Workspaces: &all, Track: track, App: app}),
			doctor.WebhookChecks(doctor.WebhookCheckOrder{Workspaces: &all, App: app, Path: "/webhooks/customerio"})...))
		text := strings.Join(got, "\n")
		if n := strings.Count(text, "App API: warn: key accepted, but the time allowed "); n < 5 || strings.Contains(text, "no answer") || strings.Contains(text, "deadline") {
			t.Errorf("%d of 10 workspaces ran out of time:\n%s", n, text)
		}
		if fake.Counts().RateLimited > 0 || fake.Counts().Requests > 40 {
			t.Errorf("%+v", fake.Counts())
		}
	})
}

// direct calls a handler without a network, for synctest.
type direct struct{ http.Handler }

func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	return w.Result(), nil
}
