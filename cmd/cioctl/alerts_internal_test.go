package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// The receiver gets a test, signed if the format says so. No output has the path of the
// address, which is a secret.
func TestAlertsTest(t *testing.T) {
	t.Parallel()
	status, body := http.StatusOK, ""
	var header http.Header
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		body, header = r.Method+" "+r.URL.Path+" "+string(b), r.Header
		w.WriteHeader(status)
	}))
	defer receiver.Close()
	s := &shell{t: t, env: map[string]string{"ALERT_WEBHOOK_URL": receiver.URL + "/s3cret"}}
	if out := s.ok("alerts", "test"); !strings.HasSuffix(out, "has accepted a test in the format slack\n") || strings.Contains(out, "s3cret") {
		t.Errorf("output %q", out)
	}
	if want := `POST /s3cret {"text":"cioevents: This is a test of the alerts. Nothing is wrong."}`; body != want {
		t.Errorf("the receiver gets %s, want %s", body, want)
	}
	s.env["ALERT_FORMAT"], s.env["ALERT_SECRET"] = "standard-webhooks", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	s.ok("alerts", "test")
	if header.Get("webhook-id") == "" || !strings.HasPrefix(header.Get("webhook-signature"), "v1,") || !strings.Contains(body, `"type":"alert.begun"`) {
		t.Errorf("the receiver gets %s with %v", body, header)
	}
	status = http.StatusForbidden
	if _, errs, code := s.run("alerts", "test"); code != 1 || !strings.Contains(errs, "answers 403") || strings.Contains(errs, "s3cret") {
		t.Errorf("exit code %d: %s", code, errs)
	}
	s.env = map[string]string{}
	s.wrong("ALERT_WEBHOOK_URL: is required", "alerts", "test")
}
