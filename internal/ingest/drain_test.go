package ingest_test

import (
	"bufio"
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/ingest"
)

// A draining is a server on a listener that the test stops.
type draining struct {
	*listener
	server *ingest.Server
	ln     net.Listener
	stop   context.CancelFunc
	served chan error
}

func serveUntilStopped(t *testing.T, cfg ingest.Config) *draining {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return serveOnUntilStopped(t, cfg, ln)
}

func serveOnUntilStopped(t *testing.T, cfg ingest.Config, ln net.Listener) *draining {
	t.Helper()
	s := newServer(t, cfg)
	ctx, stop := context.WithCancel(t.Context())
	d := &draining{listener: &listener{addr: ln.Addr().String()}, server: s, ln: ln, stop: stop, served: make(chan error, 1)}
	go func() { d.served <- s.Serve(ctx, ln) }()
	return d
}

// A load balancer that asks the port of the calls must see the drain.
func TestHealthDuringADrain(t *testing.T) {
	t.Parallel()
	away := errors.New("the stream is away")
	for _, ready := range []error{nil, away} {
		d := serveUntilStopped(t, ingest.Config{
			Publisher: &fakePublisher{}, DrainDelay: time.Minute,
			Ready: func(context.Context) error { return ready },
		})
		ask := func(method string) answer {
			r, err := http.NewRequestWithContext(t.Context(), method, "http://"+d.addr+"/healthz", http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			return do(t, r)
		}
		if a := ask(http.MethodHead); a.status != http.StatusOK || a.body != "" {
			t.Errorf("HEAD is answered %d %q", a.status, a.body)
		}
		if a := ask(http.MethodGet); a.status != http.StatusOK || a.closed {
			t.Errorf("before the drain /healthz is %d, closed: %v", a.status, a.closed)
		}
		d.stop()
		for waited := false; !waited; { // the stop is not instantaneous
			a := ask(http.MethodGet)
			waited = a.status == http.StatusServiceUnavailable && a.body == "draining\n" && a.closed
			if !waited && (a.status != http.StatusOK || a.body != "ok\n") {
				t.Fatalf("in the drain /healthz is %d %q, closed: %v", a.status, a.body, a.closed)
			}
		}
		d.ln.Close() // ends the delay
		if err := <-d.served; err != nil {
			t.Errorf("Serve = %v", err)
		}
	}
}

// A late listener is the listener of a process that gets no CPU after it has set a
// deadline, until a short deadline is over: a container at its limit stops for up to 100 ms.
// The first deadlines are late.
type late struct {
	*net.TCPListener
	deadlines atomic.Int64
}

func (l *late) SetDeadline(at time.Time) error {
	err := l.TCPListener.SetDeadline(at)
	if wait := time.Until(at); 0 < wait && wait < soon && l.deadlines.Add(1) <= 4 {
		<-time.After(wait + time.Millisecond)
	}
	return err
}

// The kernel has accepted connections that the server has not: at the limit of
// connections they wait. A listener that closes resets them. A call whose header the server
// reads after the listener has closed is refused.
func TestWaitingConnectionsAreAnswered(t *testing.T) {
	t.Parallel()
	for name, as := range map[string]func(net.Listener) net.Listener{
		"usual": func(ln net.Listener) net.Listener { return ln },
		"late":  func(ln net.Listener) net.Listener { return &late{TCPListener: ln.(*net.TCPListener)} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			stopAtTheLimit(t, as(ln))
		})
	}
}

// stopAtTheLimit stops a server while the calls wait in the kernel's queue.
func stopAtTheLimit(t *testing.T, ln net.Listener) {
	t.Helper()
	entered, release := make(chan struct{}), make(chan struct{})
	var later atomic.Bool // only the first call waits
	d := serveOnUntilStopped(t, ingest.Config{MaxConnections: 1, Publisher: &fakePublisher{publish: func(context.Context, *event.Message) error {
		if !later.Swap(true) {
			close(entered)
			<-release
		}
		return nil
	}}}, ln)
	first := d.dial(t)
	defer first.Close()
	send(t, first, call(small))
	<-entered
	var waiting []net.Conn
	for range 25 {
		conn := d.dial(t)
		t.Cleanup(func() { conn.Close() })
		send(t, conn, call(small))
		waiting = append(waiting, conn)
	}
	d.stop()
	for i, conn := range waiting {
		expectLast(t, i, conn, "200 ", shuttingDown)
	}
	close(release)
	expectLast(t, -1, first, "200 ")
	if err := <-d.served; err != nil {
		t.Errorf("Serve = %v", err)
	}
}

const shuttingDown = `503 {"error":"Shutting down"}`

// expectLast fails unless the connection has an answer that begins with one of want, and
// then ends.
func expectLast(t *testing.T, i int, conn net.Conn, want ...string) {
	t.Helper()
	r := bufio.NewReader(conn)
	got, err := readAnswer(r)
	if err != nil || !slices.ContainsFunc(want, func(w string) bool { return strings.HasPrefix(got, w) }) {
		t.Errorf("connection %d is answered %q, %v, want %q", i, got, err, want)
	}
	if _, err := r.Peek(1); !isEOF(err) {
		t.Errorf("connection %d does not end: %v", i, err)
	}
}

// A connection that was accepted just before the end must not be dropped when its call
// comes a moment later.
func TestLateCallOfAnOpenConnection(t *testing.T) {
	t.Parallel()
	d := serveUntilStopped(t, ingest.Config{Publisher: &fakePublisher{}})
	conn := d.dial(t)
	defer conn.Close()
	d.stop()
	waitClosing(t, d.server)
	send(t, conn, call(small))
	expectLast(t, 0, conn, shuttingDown)
	if err := <-d.served; err != nil {
		t.Errorf("Serve = %v", err)
	}
}

// waitClosing waits until the listener of a stopped server is closed.
func waitClosing(t *testing.T, s *ingest.Server) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for range 10_000 {
		if serve(s, signed(t, "http://localhost"+ingest.Path, secret, small)).status == http.StatusServiceUnavailable {
			return
		}
		<-tick.C
	}
	t.Fatal("the listener stays open")
}
