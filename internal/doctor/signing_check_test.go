package doctor_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/doctor"
	"github.com/cioevents/cioevents/internal/ingest"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
)

// received is an ingest with a stream, whose workspace has the keys.
func received(t *testing.T, conn *stream.Conn, cfg ingest.Config, keys ...string) http.Handler {
	t.Helper()
	p, err := stream.NewPublisher(conn, 0)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Publisher, cfg.Log = p, zerolog.Nop()
	if err := cfg.AddWorkspace("default", keys); err != nil {
		t.Fatal(err)
	}
	s, err := ingest.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s.Handler()
}

// tried returns the findings about the keys at the URL.
func tried(t *testing.T, url, keys string) string {
	t.Helper()
	all, _, app := workspaces(t, map[string]string{"CUSTOMERIO_WEBHOOK_SECRET": keys})
	checks := doctor.WebhookChecks(doctor.WebhookCheckOrder{Workspaces: &all, App: app, URL: url, Path: ingest.Path})
	return strings.Join(findings(t, checks)[1:], "\n")
}

// A signed probe tells what stands between Customer.io and ingest, and leaves nothing in
// the stream.
func TestSigningKey(t *testing.T) { //nolint:tparallel // the stream is looked at after all subtests
	t.Parallel()
	conn := streamtest.Start(t).Connect(stream.Settings{})
	own := received(t, conn, ingest.Config{}, "key", "next")
	text := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			io.WriteString(w, body)
		}
	}
	for name, c := range map[string]struct { //nolint:paralleltest // as above
		keys, path string // "key" and ingest.Path by default
		public     http.Handler
		want       string
	}{
		"right":          {public: own, want: "signing key: ok: ingest accepts CUSTOMERIO_WEBHOOK_SECRET, after "},
		"rotation":       {public: own, keys: "next,last", want: "signing key: ok: ingest accepts key 1 of CUSTOMERIO_WEBHOOK_SECRET, after "},
		"rotation, old":  {public: own, keys: "next,last", want: "signing key: fail: ingest does not accept key 2 of CUSTOMERIO_WEBHOOK_SECRET"},
		"wrong":          {public: own, keys: "kez", want: "signing key: fail: ingest does not accept CUSTOMERIO_WEBHOOK_SECRET: the key here differs from the key of ingest → copy the signing key from the page"},
		"wrong path":     {public: own, path: "/webhooks/customerio/acme", want: "fail: ingest does not know this path: /webhooks/customerio/acme → use the path"},
		"other networks": {public: received(t, conn, ingest.Config{Allowed: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}}, "key"), want: "warn: ingest refuses the address of this machine (ALLOWED_NETWORKS): the key is not tried → run cioctl doctor on a machine in"},
		"no headers": {public: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Header.Del("X-Cio-Signature")
			own.ServeHTTP(w, r)
		}), want: "fail: ingest gets the call without its signature → let the proxy pass on the headers"},
		"other body": {public: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Body = io.NopCloser(strings.NewReader(`{}`))
			own.ServeHTTP(w, r)
		}), want: "look for a proxy that changes bodies"},
		"redirect":         {public: http.RedirectHandler("https://other.example.com/in", http.StatusMovedPermanently), want: "fail: the address redirects to https://other.example.com/in (301) → register the final address"},
		"other program":    {public: text(200, "<html>hello"), want: `fail: another program answers, not ingest: 200 OK "<html>hello" → let the proxy pass`},
		"sign-in":          {public: text(401, `{"error":"who are you"}`), want: "fail: another program answers, not ingest: 401 Unauthorized"},
		"no ingest behind": {public: text(502, "bad gateway"), want: "fail: a proxy answers 502 Bad Gateway: it reaches no ingest → look whether ingest runs"},
		"older ingest":     {public: text(200, `{"status":"stored"}`), want: "warn: an ingest of an older release accepts CUSTOMERIO_WEBHOOK_SECRET, and has stored the call"},
		"stream down":      {public: text(503, `{"error":"Shutting down"}`), want: "fail: ingest answers 503: Shutting down → try again"},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(c.public)
			defer server.Close()
			if c.keys == "" {
				c.keys = "key"
			}
			if c.path == "" {
				c.path = ingest.Path
			}
			got := tried(t, server.URL+c.path, c.keys)
			if !strings.Contains(got, c.want) {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
	s, err := conn.Status(t.Context())
	if err != nil || s.Stream.Messages != 0 {
		t.Errorf("the stream has %d messages, %v", s.Stream.Messages, err)
	}
}

// The cause of a call without an answer is named.
func TestSigningKeyWithoutAnswer(t *testing.T) {
	t.Parallel()
	secure, plain, gone := httptest.NewTLSServer(nil), httptest.NewServer(http.NotFoundHandler()), httptest.NewServer(nil)
	defer secure.Close()
	defer plain.Close()
	gone.Close()
	for url, want := range map[string]string{
		secure.URL: "x509: certificate signed by unknown authority → give ingest or its proxy a certificate of a public authority",
		strings.Replace(plain.URL, "http:", "https:", 1): "→ the port speaks no TLS",
		gone.URL:                 "connection refused → nothing listens there",
		"http://nobody.invalid/": "→ correct the host in the URL, or its DNS record",
		"":                       "signing key: skip: needs the public address of ingest",
	} {
		if got := tried(t, url, "key"); !strings.Contains(got, want) {
			t.Errorf("%s: %s\nwant %s", url, got, want)
		}
	}
}
