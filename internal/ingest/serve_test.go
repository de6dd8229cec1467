package ingest_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/fault"
	"github.com/cioevents/cioevents/internal/ingest"
)

// serve answers a call without a network.
func serve(s *ingest.Server, r *http.Request) answer {
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return answer{status: w.Code, body: w.Body.String(), header: w.Header()}
}

func TestServeDrains(t *testing.T) {
	t.Parallel()
	entered, release := make(chan struct{}), make(chan struct{})
	p := &fakePublisher{publish: func(context.Context, *event.Message) error {
		close(entered)
		<-release
		return nil
	}}
	s := newServer(t, ingest.Config{Publisher: p})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, ln) }()

	got := make(chan answer, 1)
	r := signed(t, "http://"+ln.Addr().String()+ingest.Path, secret, small)
	go func() { got <- do(t, r) }()
	<-entered
	cancel()
	waitDraining(t, s)
	select {
	case err := <-served:
		t.Fatalf("Serve returned %v with a call in flight", err)
	default:
	}
	close(release)
	a := <-got
	a.expect(t, http.StatusOK, `{"status":"stored"}`)
	if !a.closed {
		t.Error("the connection is kept")
	}
	if err := <-served; err != nil {
		t.Errorf("Serve = %v", err)
	}
	late := serve(s, signed(t, "http://localhost"+ingest.Path, secret, small))
	late.expect(t, http.StatusServiceUnavailable, `{"error":"Shutting down"}`)
}

func waitDraining(t *testing.T, s *ingest.Server) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for range 10_000 {
		if s.CheckReady(t.Context()) != nil {
			return
		}
		<-tick.C
	}
	t.Fatal("the server stays ready")
}

// During the delay a load balancer may still send calls.
func TestServeAnswersWhileUnready(t *testing.T) {
	t.Parallel()
	s := newServer(t, ingest.Config{Publisher: &fakePublisher{}, DrainDelay: time.Minute})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, ln) }()
	cancel()
	waitDraining(t, s)
	a := post(t, "http://"+ln.Addr().String()+ingest.Path, small)
	a.expect(t, http.StatusOK, `{"status":"stored"}`)
	if !a.closed {
		t.Error("the connection is kept")
	}
	ln.Close() // ends the delay
	if err := <-served; err != nil {
		t.Errorf("Serve = %v", err)
	}
}

func TestServeReportsItsListener(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := ln.Close(); err != nil {
		t.Fatal(err)
	}
	if err := newServer(t, ingest.Config{Publisher: &fakePublisher{}}).Serve(t.Context(), ln); err == nil {
		t.Error("a closed listener is no error")
	}
}

// withContent is an event whose content makes it large.
func withContent(rest string) string { return withContentOf(20_000, rest) }

func withContentOf(size int, rest string) string {
	return `{"event_id":"abc","object_type":"email","metric":"sent","data":{"subject":"` + rest + `","content":"` + strings.Repeat("x", size) + `"}}`
}

func TestLargeBodyIsStripped(t *testing.T) {
	t.Parallel()
	p := &fakePublisher{maxBody: 1000}
	post(t, listen(t, ingest.Config{Publisher: p}), withContent("s")).expect(t, http.StatusOK, `{"status":"stored"}`)
	m := p.messages()
	if len(m) != 1 || m[0].Stripped != "content" || len(m[0].Body) > 1000 || m[0].ID != "abc" {
		t.Fatalf("%d messages are stored, or the message is not the stripped one", len(m))
	}
	if !strings.Contains(string(m[0].Body), `"subject":"s"`) {
		t.Errorf("the rest of the body is missing: %s", m[0].Body)
	}
}

// A message that is too large without its content is kept whole as a dead letter.
func TestTooLargeEvenStripped(t *testing.T) {
	t.Parallel()
	p := &fakePublisher{maxBody: 1000}
	p.publish = func(_ context.Context, m *event.Message) error {
		if len(m.Body) <= p.maxBody {
			return nil
		}
		return fault.Permanent(fault.ReasonTooLarge, context.DeadlineExceeded)
	}
	body := withContent(strings.Repeat("s", 2000))
	post(t, listen(t, ingest.Config{Publisher: p}), body).expect(t, http.StatusOK, `{"status":"kept"}`)
	d := p.deadLetters()
	if len(d) != 1 || string(d[0].Body) != body || d[0].Reason != fault.ReasonTooLarge || d[0].Stripped != "" || d[0].ID != "abc" {
		t.Fatalf("%d dead letters are kept, or the dead letter is not the whole body", len(d))
	}
}

// A server that reloads a smaller max_payload refuses a call in flight, and a server with a
// small max_payload refuses a small body. The call is published again without its content.
func TestLimitShrinksDuringACall(t *testing.T) {
	t.Parallel()
	for _, size := range []int{4000, 20_000} {
		var p fakePublisher
		p.publish = func(_ context.Context, m *event.Message) error {
			p.maxBody = 1000
			if len(m.Body) <= p.maxBody {
				return nil
			}
			return fault.Permanent(fault.ReasonTooLarge, context.DeadlineExceeded)
		}
		post(t, listen(t, ingest.Config{Publisher: &p}), withContentOf(size, "s")).expect(t, http.StatusOK, stored[len("200 "):])
		if m := p.messages(); len(m) != 1 || m[0].Stripped != "content" || len(p.deadLetters()) > 0 {
			t.Errorf("content of %d bytes: %d messages and %d dead letters are stored", size, len(m), len(p.deadLetters()))
		}
	}
}
