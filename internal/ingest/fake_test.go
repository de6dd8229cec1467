package ingest_test

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/ingest"
	"github.com/cioevents/cioevents/pkg/webhook"
)

const (
	secret = "signing-secret"
	small  = `{"event_id":"abc","object_type":"email","metric":"delivered","timestamp":1614265384}`
)

// now is the clock of every server here, and the time of every signature.
var now = time.Unix(1614265384, 0).UTC()

// fakePublisher stores messages and dead letters in memory. A repeated id is a
// duplicate.
type fakePublisher struct {
	maxBody int // 1 MiB when 0
	// publish and keep come first, if set; an error or a panic ends the call.
	publish func(ctx context.Context, m *event.Message) error
	keep    func(ctx context.Context, d *event.DeadLetter) error

	mu     sync.Mutex
	stored []event.Message
	kept   []event.DeadLetter
}

func (p *fakePublisher) Publish(ctx context.Context, m *event.Message) (bool, error) {
	if p.publish != nil {
		if err := p.publish(ctx, m); err != nil {
			return false, err
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.stored {
		if p.stored[i].Workspace == m.Workspace && p.stored[i].ID == m.ID {
			return true, nil
		}
	}
	copied := *m
	copied.Body = bytes.Clone(m.Body) // the caller uses it again
	p.stored = append(p.stored, copied)
	return false, nil
}

func (p *fakePublisher) StoreDeadLetter(ctx context.Context, d *event.DeadLetter) error {
	if p.keep != nil {
		if err := p.keep(ctx, d); err != nil {
			return err
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	copied := *d
	copied.Body = bytes.Clone(d.Body)
	p.kept = append(p.kept, copied)
	return nil
}

func (p *fakePublisher) MaxBody() int {
	if p.maxBody == 0 {
		return 1 << 20
	}
	return p.maxBody
}

func (p *fakePublisher) messages() []event.Message {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stored
}

func (p *fakePublisher) deadLetters() []event.DeadLetter {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.kept
}

func workspace(tb testing.TB, name string, cfg webhook.VerifierConfig) ingest.Workspace {
	tb.Helper()
	if cfg.Keys == nil {
		cfg.Keys = []string{secret}
	}
	cfg.Scheme = cmp.Or(cfg.Scheme, webhook.SchemeAuto)
	cfg.Tolerance = cmp.Or(cfg.Tolerance, webhook.AnyAge)
	v, err := webhook.NewVerifier(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return ingest.Workspace{Name: name, Verifier: v}
}

func newServer(tb testing.TB, cfg ingest.Config) *ingest.Server {
	tb.Helper()
	if cfg.Workspaces == nil {
		cfg.Workspaces = []ingest.Workspace{workspace(tb, "default", webhook.VerifierConfig{})}
	}
	if cfg.Now == nil {
		cfg.Now = func() time.Time { return now }
	}
	s, err := ingest.New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// listen returns the URL of the webhook path on a running server.
func listen(t *testing.T, cfg ingest.Config) string {
	t.Helper()
	srv := httptest.NewServer(newServer(t, cfg).Handler())
	t.Cleanup(srv.Close)
	return srv.URL + ingest.Path
}

// signed is a call as Customer.io makes it.
func signed(t *testing.T, url, key, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	webhook.SignRequest(r.Header, key, now, []byte(body))
	return r
}

// An answer is what the sender sees.
type answer struct {
	status int
	body   string
	header http.Header
	closed bool
}

func do(t *testing.T, r *http.Request) answer {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{}, Timeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, string(body), resp.Header, resp.Close}
}

func post(t *testing.T, url, body string) answer {
	t.Helper()
	return do(t, signed(t, url, secret, body))
}

// expect fails unless the answer is this one, with a Retry-After on every 503
// and on nothing else.
func (a answer) expect(t *testing.T, status int, body string) {
	t.Helper()
	if a.status != status || a.body != body {
		t.Errorf("answered %d %s, want %d %s", a.status, a.body, status, body)
	}
	if got, want := a.header.Get("Retry-After") != "", status == http.StatusServiceUnavailable; got != want {
		t.Errorf("status %d has a Retry-After: %v", status, got)
	}
}
