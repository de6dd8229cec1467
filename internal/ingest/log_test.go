package ingest_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/ingest"
	"github.com/cioevents/cioevents/pkg/webhook"
)

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
