package ingest_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/ingest"
	"github.com/cioevents/cioevents/pkg/webhook"
	"github.com/cioevents/cioevents/pkg/webhook/webhooktest"
)

// ingest with Customer.io's scheme answers what pkg/webhook asks of every receiver.
func TestAnswersAsEveryReceiver(t *testing.T) {
	t.Parallel()
	s := newServer(t, ingest.Config{
		Now:        time.Now,
		Publisher:  &fakePublisher{},
		Workspaces: []ingest.Workspace{workspace(t, "default", webhook.VerifierConfig{Scheme: webhook.SchemeV0, Tolerance: webhook.DefaultTolerance})},
	})
	handler := s.Handler()
	webhooktest.Check(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.URL.Path = ingest.Path
		handler.ServeHTTP(w, r)
	}), secret)
}
