package webhook_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cioevents/cioevents/pkg/webhook"
	"github.com/cioevents/cioevents/pkg/webhook/webhooktest"
)

func TestHandlerIsAReceiver(t *testing.T) {
	t.Parallel()
	seen := map[string]int{}
	v := verifier(t, webhook.VerifierConfig{Scheme: webhook.SchemeV0})
	h := webhook.Handler(v, func(_ context.Context, e *webhook.Event) error {
		seen[e.Key()]++
		return nil
	})
	webhooktest.Check(t, h, secret)
	if want := len(webhooktest.Payloads()) + 5; len(seen) != want {
		t.Errorf("%d events, want %d", len(seen), want)
	}
}

// A complaint of Check is a receiver's fault. Each of these receivers has one.
func TestCheckFinds(t *testing.T) {
	t.Parallel()
	v := verifier(t, webhook.VerifierConfig{Scheme: webhook.SchemeV0})
	nothing := func(context.Context, *webhook.Event) error { return nil }
	for name, tt := range map[string]struct {
		receiver http.Handler
		want     string
	}{
		"takes everything": {http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), "another key"},
		"refuses unreadable bodies": {webhook.Handler(v, func(_ context.Context, e *webhook.Event) error {
			if e.Shape == webhook.Unreadable {
				return errors.New("not JSON")
			}
			return nil
		}), "an array"},
		"takes no content":      {http.MaxBytesHandler(webhook.Handler(v, nothing), 1<<20), "5 MiB"},
		"takes body signatures": {webhook.Handler(verifier(t, webhook.VerifierConfig{Scheme: webhook.SchemeAuto}), nothing), "body alone"},
		"takes any age":         {webhook.Handler(verifier(t, webhook.VerifierConfig{Scheme: webhook.SchemeV0, Tolerance: webhook.AnyAge}), nothing), "2001"},
		"refuses unknown metrics": {webhook.Handler(v, func(_ context.Context, e *webhook.Event) error {
			if e.Metric == "beamed" {
				return errors.New("unknown metric")
			}
			return nil
		}), "tomorrow's kind"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var found complaints
			webhooktest.Check(&found, tt.receiver, secret)
			if !strings.Contains(strings.Join(found, "\n"), tt.want) {
				t.Errorf("complaints %q, want one about %q", found, tt.want)
			}
		})
	}
}

var client = &http.Client{Timeout: 10 * time.Second}

type complaints []string

func (*complaints) Helper() {}

func (c *complaints) Errorf(format string, args ...any) {
	*c = append(*c, strings.TrimSpace(format)+" "+args[0].(string))
}

// post sends a signed body to a server of the handler.
func post(t *testing.T, url string, body []byte) *http.Response {
	t.Helper()
	r, err := webhooktest.NewRequest(t.Context(), url, secret, time.Now(), body)
	if err != nil {
		t.Fatal(err)
	}
	res, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	return res
}

// A server whose log the test reads.
func serve(t *testing.T, h http.Handler) (url string, logged func() string) {
	t.Helper()
	var mu sync.Mutex
	var lines bytes.Buffer
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = slog.NewLogLogger(slog.NewTextHandler(writer(func(p []byte) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		return lines.Write(p)
	}), nil), slog.LevelError)
	s.Start()
	t.Cleanup(s.Close)
	return s.URL, func() string {
		mu.Lock()
		defer mu.Unlock()
		return lines.String()
	}
}

type writer func([]byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }

func TestHandlerAnswers(t *testing.T) {
	t.Parallel()
	v := verifier(t, webhook.VerifierConfig{})
	h := webhook.Handler(v, func(ctx context.Context, e *webhook.Event) error {
		switch e.ID {
		case "fails":
			return errors.New("the disk is full")
		case "panics":
			panic("a bug")
		case "hurries":
			if d, ok := ctx.Deadline(); !ok || time.Until(d) > webhook.AnswerWithin {
				return errors.New("no deadline")
			}
		}
		return nil
	})
	url, logged := serve(t, h)
	for body, want := range map[string]int{
		`{"event_id":"good"}`:                  200,
		`{"event_id":"hurries"}`:               200,
		`{"event_id":"fails"}`:                 503,
		`{"event_id":"panics"}`:                503,
		strings.Repeat(" ", webhook.MaxBody+1): 413,
	} {
		if got := post(t, url, []byte(body)).StatusCode; got != want {
			t.Errorf("%.40s: %d, want %d", body, got, want)
		}
	}
	res, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusMethodNotAllowed || res.Header.Get("Allow") != "POST" {
		t.Errorf("GET: %d, Allow %q", res.StatusCode, res.Header.Get("Allow"))
	}
	for _, want := range []string{"answered 503: the disk is full", "answered 503: panic: a bug", "answered 413"} {
		if !strings.Contains(logged(), want) {
			t.Errorf("the log lacks %q:\n%s", want, logged())
		}
	}
}

// Half a body is Customer.io's connection that broke, or a stranger. The answer comes
// before Customer.io hangs up, and costs no hour.
func TestHandlerWithoutTheRest(t *testing.T) {
	t.Parallel()
	url, _ := serve(t, webhook.Handler(verifier(t, webhook.VerifierConfig{}), func(context.Context, *webhook.Event) error { return nil }))
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	start := time.Now()
	if _, err := io.WriteString(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(answer), "HTTP/1.1 503") || time.Since(start) > 4*time.Second {
		t.Errorf("answer after %v: %q", time.Since(start), answer)
	}
}
