package ingest_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/fault"
	"github.com/cioevents/cioevents/internal/ingest"
	"github.com/cioevents/cioevents/pkg/webhook"
)

func digest(body string) string {
	sum := sha256.Sum256([]byte(body))
	return hex.EncodeToString(sum[:])
}

func TestStored(t *testing.T) {
	t.Parallel()
	const odd = "{ \"b\" : 1e3,\n\t\"metric\":\"Opened\", \"a\":\"\\u00e9 é\" }\n"
	trace := "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	tests := []struct {
		name, body, trace string
		want              event.Message
	}{
		{"usual", small, "", event.Message{ID: "abc", ObjectType: "email", Metric: "delivered"}},
		{"empty object", `{}`, "", event.Message{ID: digest(`{}`)}},
		{"spaces and escapes", odd, "", event.Message{ID: digest(odd), ObjectType: "email", Metric: "opened"}},
		{"id that is too long", `{"event_id":"` + strings.Repeat("x", 257) + `"}`, "", event.Message{ID: digest(`{"event_id":"` + strings.Repeat("x", 257) + `"}`)}},
		{"trace context", `{"event_id":"t"}`, trace, event.Message{ID: "t", TraceParent: trace}},
		{"nonsense for a trace context", `{"event_id":"t"}`, "01-" + trace[3:], event.Message{ID: "t"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := &fakePublisher{}
			r := signed(t, listen(t, ingest.Config{Publisher: p}), secret, tt.body)
			r.Header.Set("Traceparent", tt.trace)
			do(t, r).expect(t, http.StatusOK, `{"status":"stored"}`)
			want := tt.want
			want.Workspace, want.ReceivedAt, want.Body = "default", now, []byte(tt.body)
			if diff := cmp.Diff([]event.Message{want}, p.messages()); diff != "" {
				t.Errorf("stored (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDuplicate(t *testing.T) {
	t.Parallel()
	p := &fakePublisher{}
	url := listen(t, ingest.Config{Publisher: p})
	post(t, url, small).expect(t, http.StatusOK, `{"status":"stored"}`)
	post(t, url, small).expect(t, http.StatusOK, `{"status":"duplicate"}`)
	if n := len(p.messages()); n != 1 {
		t.Errorf("%d messages are stored, want 1", n)
	}
}

// A signed body that is not an event is kept whole.
func TestKept(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, body string
		reason     fault.Reason
	}{
		{"no JSON", `{"event_id":"abc"`, fault.ReasonNotJSON},
		{"nothing", ``, fault.ReasonNotJSON},
		{"binary", "\x00\xff\xfe", fault.ReasonNotJSON},
		{"array", `[{"event_id":"abc"}]`, fault.ReasonNotObject},
		{"number", `1`, fault.ReasonNotObject},
		{"null", `null`, fault.ReasonNotObject},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := &fakePublisher{}
			post(t, listen(t, ingest.Config{Publisher: p}), tt.body).expect(t, http.StatusOK, `{"status":"kept"}`)
			dead := p.deadLetters()
			if len(dead) != 1 || len(p.messages()) != 0 {
				t.Fatalf("%d dead letters and %d messages, want 1 and 0", len(dead), len(p.messages()))
			}
			d := dead[0]
			if string(d.Body) != tt.body || d.Reason != tt.reason || d.ID != digest(tt.body) {
				t.Errorf("kept %q as %s under %s", d.Body, d.Reason, d.ID)
			}
			if d.From != "ingest" || d.Workspace != "default" || !d.DiedAt.Equal(now) || d.Err == "" {
				t.Errorf("kept as %+v", d)
			}
		})
	}
}

// A dead letter that cannot be stored must not be lost: the answer is 503.
func TestKeepFails(t *testing.T) {
	t.Parallel()
	p := &fakePublisher{keep: func(context.Context, *event.DeadLetter) error { return event.ErrStreamUnavailable }}
	post(t, listen(t, ingest.Config{Publisher: p}), `[]`).
		expect(t, http.StatusServiceUnavailable, `{"error":"Stream unavailable"}`)
}

func TestWorkspaces(t *testing.T) {
	t.Parallel()
	acme := workspace(t, "acme", webhook.VerifierConfig{Keys: []string{"new", "old"}})
	globex := workspace(t, "globex", webhook.VerifierConfig{Keys: []string{"globex"}})
	tests := []struct {
		name, path, key string
		status          int
		want            string
	}{
		{"by path", "/acme", "new", http.StatusOK, "acme"},
		{"by path, old key", "/acme", "old", http.StatusOK, "acme"},
		{"by key, first", "", "old", http.StatusOK, "acme"},
		{"by key, second", "", "globex", http.StatusOK, "globex"},
		{"key of the other", "/acme", "globex", http.StatusUnauthorized, ""},
		{"nobody's key", "", "initech", http.StatusUnauthorized, ""},
		{"unknown", "/initech", "new", http.StatusNotFound, ""},
		{"deeper", "/acme/more", "new", http.StatusNotFound, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := &fakePublisher{}
			url := listen(t, ingest.Config{Publisher: p, Workspaces: []ingest.Workspace{acme, globex}})
			if a := do(t, signed(t, url+tt.path, tt.key, small)); a.status != tt.status {
				t.Fatalf("answered %d, want %d", a.status, tt.status)
			}
			got := ""
			for _, m := range p.messages() {
				got += m.Workspace
			}
			if got != tt.want {
				t.Errorf("stored for %q, want %q", got, tt.want)
			}
		})
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	if _, err := ingest.New(ingest.Config{Publisher: &fakePublisher{}}); err == nil {
		t.Error("no workspace is accepted")
	}
	if _, err := ingest.New(ingest.Config{Workspaces: make([]ingest.Workspace, 1)}); err == nil {
		t.Error("no publisher is accepted")
	}
}

func TestHealthAndReady(t *testing.T) {
	t.Parallel()
	away := errors.New("the stream is away")
	s := newServer(t, ingest.Config{Publisher: &fakePublisher{}, Ready: func(context.Context) error { return away }})
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/healthz", nil))
	if w.Code != http.StatusOK || w.Body.String() != "ok\n" {
		t.Errorf("health is %d %q", w.Code, w.Body)
	}
	if err := s.CheckReady(t.Context()); !errors.Is(err, away) {
		t.Errorf("CheckReady = %v, want %v", err, away)
	}
	if err := newServer(t, ingest.Config{Publisher: &fakePublisher{}}).CheckReady(t.Context()); err != nil {
		t.Errorf("CheckReady without a check = %v", err)
	}
}
