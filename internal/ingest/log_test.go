package ingest_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/ingest"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// A signed call to a wrong URL stalls Customer.io's queue; a scanner's call does not
// matter.
func TestSignedCallToAnUnknownPathIsWarnedAbout(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/webhook", ingest.Path + "/initech"} {
		var log lines
		reg := prometheus.NewRegistry()
		s := newServer(t, ingest.Config{Publisher: &fakePublisher{}, Log: zerolog.New(&log), Metrics: reg})
		r := signed(t, "http://localhost"+path, secret, small)
		serve(s, r).expect(t, http.StatusNotFound, `{"error":"Not found"}`)
		if log.count(`"level":"warn"`) != 1 || log.count("correct the URL of the webhook") != 1 {
			t.Errorf("%s is not warned about", path)
		}
		r.Header.Del(webhook.HeaderSignature)
		serve(s, r).expect(t, http.StatusNotFound, `{"error":"Not found"}`)
		if log.count(`"level":"warn"`) != 1 {
			t.Errorf("%s of a scanner is warned about", path)
		}
		counts, _ := gather(t, reg, "cioevents_ingest_answers_total")
		if diff := cmp.Diff(map[string]float64{"outcome=path": 1, "outcome=signed_path": 1}, counts); diff != "" {
			t.Errorf("outcomes (-want +got):\n%s", diff)
		}
	}
}

// A spoilt header must not be blamed on the key.
func TestSpoiltSignatureHeaderIsNamed(t *testing.T) {
	t.Parallel()
	stamp := strconv.FormatInt(now.Unix(), 10)
	for name, spoil := range map[string]func(http.Header){
		webhook.HeaderTimestamp + " is not a single": func(h http.Header) {
			h.Set(webhook.HeaderTimestamp, stamp+".5")
			h.Set(webhook.HeaderSignature, webhook.SignBody(secret, []byte("v0:"+stamp+".5:"+small)))
		},
		webhook.HeaderTimestamp + " is not a single whole": func(h http.Header) { h.Add(webhook.HeaderTimestamp, stamp) },
		webhook.HeaderSignature + " is not a single":       func(h http.Header) { h.Add(webhook.HeaderSignature, h.Get(webhook.HeaderSignature)) },
	} {
		var log lines
		s := newServer(t, ingest.Config{Publisher: &fakePublisher{}, Log: zerolog.New(&log)})
		r := signed(t, "http://localhost"+ingest.Path, secret, small)
		spoil(r.Header)
		serve(s, r).expect(t, http.StatusUnauthorized, invalid)
		if log.count(name) != 1 || log.count(`"outcome":"signature_header"`) != 1 || log.count("CUSTOMERIO_WEBHOOK_SECRET") != 0 {
			t.Errorf("the log does not say that %s", name)
		}
	}
}

// A flood of refused calls must not become a flood of lines.
func TestRefusalsAreLoggedSparingly(t *testing.T) {
	t.Parallel()
	v, err := webhook.NewVerifier(webhook.VerifierConfig{Keys: []string{"k"}})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	s, err := ingest.New(ingest.Config{
		Workspaces: []ingest.Workspace{{Name: "default", Verifier: v}},
		Publisher:  &fakePublisher{},
		Log:        zerolog.New(&out),
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 500 {
		req := httptest.NewRequest(http.MethodPost, ingest.Path, http.NoBody)
		s.Handler().ServeHTTP(httptest.NewRecorder(), req)
	}
	if n := bytes.Count(out.Bytes(), []byte("\n")); n < 1 || n > 50 {
		t.Errorf("500 refused calls wrote %d lines, want a few", n)
	}
}
