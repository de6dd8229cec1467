package alerts

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/config"
)

const testSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// The example is that of the libraries of Standard Webhooks
// (https://github.com/standard-webhooks/standard-webhooks/blob/main/libraries/go/webhook_test.go).
func TestSignature(t *testing.T) {
	t.Parallel()
	key, err := signingKey(testSecret)
	if err != nil {
		t.Fatal(err)
	}
	s := Sender{key: key, now: func() time.Time { return time.Unix(1614265330, 0) }}
	h := http.Header{}
	s.sign(h, "msg_p5jXN8AQM9LWM0D4loKWxJek", []byte(`{"test": 2432232314}`))
	if got := h.Get("webhook-signature"); got != "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" || h.Get("webhook-timestamp") != "1614265330" {
		t.Errorf("headers %v", h)
	}
}

func TestBodies(t *testing.T) {
	t.Parallel()
	m := message{ID: "a-onset", Topic: TrackDown, Subject: "acme", Text: "x < y & z.", Begun: start, At: start}
	if got, want := string(m.slack()), `cioevents: x \u0026lt; y \u0026amp; z. What to do: `+runbooks+"cioeventstrackdown"; !strings.Contains(got, want) {
		t.Errorf("body %s\nlacks %s", got, want)
	}
	var got struct {
		Type      string
		Timestamp time.Time
		Data      struct{ Topic, Subject, Text, Runbook string }
	}
	m.Over, m.At = true, start.Add(time.Hour)
	if err := json.Unmarshal(m.standard(), &got); err != nil || got.Type != "alert.ended" || !got.Timestamp.Equal(m.At) || got.Data.Topic != "track_down" || got.Data.Runbook != "" {
		t.Errorf("%+v, %v", got, err)
	}
	if body := string(m.slack()); !strings.Contains(body, "cioevents: over. ") || !strings.Contains(body, "It began at 2026-11-24 12:00 UTC.") {
		t.Errorf("the end says %s", body)
	}
}

// An error names neither the path nor the password of the address, and no redirect is
// followed.
func TestRefusals(t *testing.T) {
	t.Parallel()
	calls := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls++
		_, _ = io.Copy(io.Discard, r.Body)
		http.Redirect(w, r, "/elsewhere-s3cret", http.StatusFound)
	}))
	defer server.Close()
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	for name, tt := range map[string]struct{ url, want string }{
		"redirect": {server.URL + "/s3cret", "answers 302"},
		"nobody":   {strings.Replace(closed.URL, "//", "//ann:s3cret@", 1) + "/s3cret", "does not answer"},
		"no host":  {"https://nobody.invalid/s3cret?token=s3cret", "does not answer"},
	} {
		s, err := NewSender(Config{URL: tt.url})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Try(t.Context()); err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v; want %q and no secret", name, err, tt.want)
		}
	}
	if calls != 1 {
		t.Errorf("%d calls, want 1", calls)
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		env  map[string]string
		want string // "" for no mistake
	}{
		"none":             {},
		"slack":            {env: map[string]string{"ALERT_WEBHOOK_URL": "https://h/s3cret"}},
		"standard":         {env: map[string]string{"ALERT_WEBHOOK_URL": "https://h", "ALERT_FORMAT": FormatStandard, "ALERT_SECRET": testSecret}},
		"no web address":   {env: map[string]string{"ALERT_WEBHOOK_URL": "h/s3cret"}, want: "ALERT_WEBHOOK_URL"},
		"unknown format":   {env: map[string]string{"ALERT_FORMAT": "pager"}, want: "ALERT_FORMAT"},
		"missing secret":   {env: map[string]string{"ALERT_WEBHOOK_URL": "https://h", "ALERT_FORMAT": FormatStandard}, want: "ALERT_SECRET"},
		"secret no base64": {env: map[string]string{"ALERT_WEBHOOK_URL": "https://h", "ALERT_FORMAT": FormatStandard, "ALERT_SECRET": "whsec_s3cret"}, want: "openssl"},
		"short secret":     {env: map[string]string{"ALERT_WEBHOOK_URL": "https://h", "ALERT_FORMAT": FormatStandard, "ALERT_SECRET": "whsec_c2VjcmV0"}, want: "24 to 64"},
	} {
		var cfg Config
		set := config.New("test", func(name string) string { return tt.env[name] })
		cfg.Declare(set)
		err := set.Parse(nil)
		if (err == nil) != (tt.want == "") || err != nil && (!strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "s3cret")) {
			t.Errorf("%s: %v; want %q", name, err, tt.want)
		}
	}
}
