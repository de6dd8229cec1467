package operate_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/operate"
	"github.com/cioevents/cioevents/pkg/webhook"
)

func TestSignedBy(t *testing.T) {
	t.Parallel()
	body, h := []byte(`{"event_id":"a"}`), http.Header{}
	webhook.SignRequest(h, "new", time.Now().Add(-30*24*time.Hour), body) // a captured call may be old
	signature, timestamp := h.Get(webhook.HeaderSignature), h.Get(webhook.HeaderTimestamp)
	if key, err := operate.SignedBy([]string{"old", "new"}, signature, timestamp, body); err != nil || key != 1 {
		t.Errorf("signed by %d, %v; want 1", key, err)
	}
	_, err := operate.SignedBy([]string{"old", "new"}, signature, timestamp, append(body, '\n'))
	if err == nil || !strings.Contains(err.Error(), "not signed by any of the 2 keys over these 17 bytes") {
		t.Errorf("another body: %v", err)
	}
	for _, spoilt := range []string{timestamp + ".5", timestamp + ", " + timestamp} {
		_, err := operate.SignedBy([]string{"old", "new"}, signature, spoilt, body)
		if err == nil || !strings.Contains(err.Error(), "X-Cio-Timestamp is not a single whole number of seconds; find the proxy") || strings.Contains(err.Error(), "keys") {
			t.Errorf("timestamp %q: %v", spoilt, err)
		}
	}
	if _, err := operate.SignedBy(nil, signature, timestamp, body); err == nil {
		t.Error("no keys are no error")
	} else if _, ok := errors.AsType[*operate.InputError](err); !ok {
		t.Errorf("no keys: %v, want an InputError", err)
	}
}
