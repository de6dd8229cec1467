package ingest_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/ingest"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// soon is a limit that is short enough to wait for in a test.
const soon = 150 * time.Millisecond

// ample is a limit that a prompt sender keeps on a busy machine.
const ample = time.Second

func send(t *testing.T, conn net.Conn, raw string) {
	t.Helper()
	if _, err := io.WriteString(conn, raw); err != nil {
		t.Fatal(err)
	}
}

// The sender stops in the middle and keeps its connection open.
func TestSlow(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, raw string
		want      []string
	}{
		{"nothing", "", nil},
		{"half a line", "POST /web", []string{malformed}},
		{"half a header", head(length(small)), nil},
		{"half a body, signed", head(sign(small), length(small)) + "\r\n" + small[:9], []string{incomplete}},
		{"half a chunk, signed", head(sign(small), teChunked) + "\r\n50\r\n" + small[:9], []string{incomplete}},
		{"half a large body, signed", head(sign(small), "Content-Length: 100000") + "\r\n" + small, []string{incomplete}},
		{"half a body", head(length(small)) + "\r\n" + small[:9], []string{unsigned}},
		{"half a body to another path", strings.Replace(head(length(small)), ingest.Path, "/other", 1) + "\r\n" + small[:9], []string{notFound}},
		{"half a body to be read by nobody", strings.Replace(head(length(small)), "POST "+ingest.Path, "GET /healthz", 1) + "\r\n" + small[:9], []string{"200 ok"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := serveOn(t, ingest.Config{HeaderTimeout: ample, BodyTimeout: soon})
			start := time.Now() // the limit begins when the server accepts
			conn := l.dial(t)
			defer conn.Close()
			send(t, conn, tt.raw)
			if diff := cmp.Diff(tt.want, answers(t, conn)); diff != "" {
				t.Errorf("answers (-want +got):\n%s", diff)
			}
			if took := time.Since(start); took < soon/2 || took > 3*time.Second {
				t.Errorf("it took %v, the limit is %v", took, soon)
			}
			l.lives(t)
		})
	}
}

// A byte now and then does not extend the limit.
func TestTrickle(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{head(sign(small), length(small)), call(small)[:len(call(small))-len(small)]} {
		l := serveOn(t, ingest.Config{HeaderTimeout: soon, BodyTimeout: soon})
		conn := l.dial(t)
		t.Cleanup(func() { conn.Close() })
		send(t, conn, raw)
		ended := make(chan error, 1)
		go func() {
			_, err := io.Copy(io.Discard, conn)
			ended <- err
		}()
		tick := time.NewTicker(soon / 10)
		t.Cleanup(tick.Stop)
		for over := false; !over; {
			select {
			case <-tick.C:
				_, _ = conn.Write([]byte("x")) // fails at the end
			case err := <-ended:
				if isTimeout(err) {
					t.Fatal("the connection does not end")
				}
				over = true
			}
		}
		l.lives(t)
	}
}

// The limits begin with the call, not with a connection that a load balancer has
// opened ahead of need. The limit of a body ends before the body is stored.
func TestTimesBeginWithTheCall(t *testing.T) {
	t.Parallel()
	p := &fakePublisher{publish: func(ctx context.Context, _ *event.Message) error {
		select {
		case <-time.After(3 * soon):
			return nil
		case <-ctx.Done():
			return errors.New("the call was given up")
		}
	}}
	p.keep = func(ctx context.Context, _ *event.DeadLetter) error { return p.publish(ctx, nil) }
	l := serveOn(t, ingest.Config{Publisher: p, BodyTimeout: soon})
	conn := l.dial(t)
	defer conn.Close()
	<-time.After(2 * soon)
	r := bufio.NewReader(conn)
	for _, one := range [][2]string{{small, stored}, {small, duplicate}, {"", `200 {"status":"kept"}`}} { // on the same connection
		send(t, conn, call(one[0]))
		if got, err := readAnswer(r); got != one[1] || err != nil {
			t.Errorf("body %q is answered %s, %v, want %s", one[0], got, err, one[1])
		}
	}
}

// Customer.io hangs up after 4 s, so a slow body leaves less time to store it.
func TestSlowBodyLeavesLessTimeToStore(t *testing.T) {
	t.Parallel()
	for spent, within := range map[time.Duration]time.Duration{0: 0, 2 * time.Second: time.Second} {
		p := &fakePublisher{publish: func(ctx context.Context, _ *event.Message) error {
			deadline, bounded := ctx.Deadline()
			if bounded != (within > 0) || bounded && time.Until(deadline) > within {
				t.Errorf("after %v there are %v, %v left", spent, time.Until(deadline), bounded)
			}
			return nil
		}}
		calls := 0
		s := newServer(t, ingest.Config{Publisher: p, Now: func() time.Time {
			calls++
			if calls == 1 {
				return now
			}
			return now.Add(spent)
		}})
		serve(s, signed(t, "http://localhost"+ingest.Path, secret, small)).expect(t, http.StatusOK, `{"status":"stored"}`)
	}
}

func TestHalfClosed(t *testing.T) {
	t.Parallel()
	l := serveOn(t, ingest.Config{})
	if got := l.exchange(t, call(small)); !cmp.Equal(got, []string{stored}) {
		t.Errorf("answered %q", got)
	}
	l.lives(t, small)
}

// A sender that disconnects in the middle affects no other sender.
func TestEarlyClose(t *testing.T) {
	t.Parallel()
	l := serveOn(t, ingest.Config{MaxConnections: 4})
	for _, raw := range []string{"", "POST", head(sign(small)), head(sign(small), length(small)) + "\r\n" + small[:9]} {
		for _, reset := range []bool{false, true} {
			conn := l.dial(t)
			send(t, conn, raw)
			if reset {
				_ = conn.(*net.TCPConn).SetLinger(0)
			}
			conn.Close()
		}
	}
	l.lives(t) // each has given its place back
}

// At the limit of connections a new call waits and is not refused, while calls are in
// flight on all connections.
func TestMaxConnections(t *testing.T) {
	t.Parallel()
	entered, release := make(chan struct{}), make(chan struct{})
	l := serveOn(t, ingest.Config{MaxConnections: 2, Publisher: &fakePublisher{publish: func(_ context.Context, m *event.Message) error {
		if m.ID != "abc" {
			entered <- struct{}{}
			<-release
		}
		return nil
	}}})
	for _, body := range []string{`{"event_id":"1"}`, `{"event_id":"2"}`} {
		conn := l.dial(t)
		t.Cleanup(func() { conn.Close() })
		send(t, conn, call(body))
		<-entered
	}
	third := l.dial(t)
	defer third.Close()
	send(t, third, call(small))
	waiting := bufio.NewReader(third)
	if err := third.SetReadDeadline(time.Now().Add(3 * soon)); err != nil {
		t.Fatal(err)
	}
	if _, err := waiting.Peek(1); !isTimeout(err) {
		t.Fatalf("the third does not wait: %v", err)
	}
	close(release)
	if err := third.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if got, err := readAnswer(waiting); got != stored || err != nil {
		t.Errorf("the third is answered %s, %v", got, err)
	}
}

func isTimeout(err error) bool {
	var e net.Error
	return errors.As(err, &e) && e.Timeout()
}

func isEOF(err error) bool { return errors.Is(err, io.EOF) }

// Idle connections take at most three quarters of the limit.
func TestCrowdedConnectionsEnd(t *testing.T) {
	t.Parallel()
	l := serveOn(t, ingest.Config{MaxConnections: 4})
	for i := range 4 {
		conn := l.dial(t)
		t.Cleanup(func() { conn.Close() })
		send(t, conn, call(small))
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if want := i == 3; resp.Close != want {
			t.Errorf("connection %d of 4 ends: %v", i+1, resp.Close)
		}
	}
	l.lives(t, small)
}

// A server at its limit of connections can be stopped.
func TestStopAtTheLimit(t *testing.T) {
	t.Parallel()
	s := newServer(t, ingest.Config{Publisher: &fakePublisher{}, MaxConnections: 1})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, ln) }()
	l := &listener{addr: ln.Addr().String()}
	conn := l.dial(t)
	send(t, conn, call(small))
	if got, err := readAnswer(bufio.NewReader(conn)); got != stored || err != nil {
		t.Fatalf("answered %s, %v", got, err)
	}
	defer conn.Close()
	cancel()
	if err := <-served; err != nil {
		t.Errorf("Serve = %v", err)
	}
}

// Large bodies without a valid signature leave room for small bodies.
func TestLargeBodiesShareABudget(t *testing.T) {
	t.Parallel()
	const large = 64 << 10
	l := serveOn(t, ingest.Config{MaxBody: large, BodyTimeout: time.Minute})
	for range 8 {
		conn := l.dial(t)
		t.Cleanup(func() { conn.Close() })
		send(t, conn, head("Content-Length: 65536", webhook.HeaderSignature+": x")+"\r\nx")
	}
	busy := `503 {"error":"Too much in flight"}`
	body := `{"a":"` + strings.Repeat("x", large-8) + `"}`
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for range 100 { // until all eight are being read
		if got := l.exchange(t, call(body)); cmp.Equal(got, []string{busy}) {
			l.p.mu.Lock()
			l.p.stored = nil
			l.p.mu.Unlock()
			l.lives(t)
			return
		}
		<-tick.C
	}
	t.Error("a ninth large body is read")
}
