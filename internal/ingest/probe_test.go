package ingest_test

import (
	"net/http"
	"testing"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/ingest"
)

// The probe of cioctl doctor is verified and leaves nothing. Any other body, even one that
// resembles the probe, is stored.
func TestProbe(t *testing.T) {
	t.Parallel()
	p := &fakePublisher{}
	url := listen(t, ingest.Config{Publisher: p})
	post(t, url, event.Probe).expect(t, http.StatusOK, `{"status":"probe"}`)
	do(t, signed(t, url, "other key", event.Probe)).expect(t, http.StatusUnauthorized, `{"error":"Invalid signature"}`)
	if n := len(p.messages()) + len(p.deadLetters()); n != 0 {
		t.Errorf("the probe left %d messages", n)
	}
	post(t, url, event.Probe+" ").expect(t, http.StatusOK, `{"status":"stored"}`)
	if n := len(p.messages()); n != 1 {
		t.Errorf("%d messages after an event that resembles the probe, want 1", n)
	}
}
