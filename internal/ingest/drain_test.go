package ingest_test

import (
	"bufio"
	"context"
	"errors"
	"net"
	"net/http"
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
	d := &draining{listener: &listener{addr: ln.Addr().String()}, server: s, stop: stop, served: make(chan error, 1)}
	go func() { d.served <- s.Serve(ctx, ln) }()
	return d
}

// A load balancer that asks the port of the calls must see the drain.
func TestHealthDuringADrain(t *testing.T) {
	t.Parallel()
	away := errors.New("the stream is away")
	for _, ready := range []error{nil, away} {
		d := serveUntilStopped(t, ingest.Config{
			Publisher: &fakePublisher{}, DrainDelay: 300 * time.Millisecond,
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
		if err := <-d.served; err != nil {
			t.Errorf("Serve = %v", err)
		}
	}
}

// The kernel has accepted connections that the server has not: at the limit of
// connections they wait. A listener that closes resets them.
func TestWaitingConnectionsAreAnswered(t *testing.T) {
	t.Parallel()
	entered, release := make(chan struct{}), make(chan struct{})
	var later atomic.Bool // only the first call waits
	d := serveUntilStopped(t, ingest.Config{MaxConnections: 1, Publisher: &fakePublisher{publish: func(context.Context, *event.Message) error {
		if !later.Swap(true) {
			close(entered)
			<-release
		}
		return nil
	}}})
	first := d.dial(t)
	defer first.Close()
	send(t, first, call(small))
	<-entered
	var waiting []net.Conn
	for range 50 {
		conn := d.dial(t)
		t.Cleanup(func() { conn.Close() })
		send(t, conn, call(small))
		waiting = append(waiting, conn)
	}
	d.stop()
	for i, conn := range waiting {
		expectLast(t, i, conn, "200 ")
	}
	close(release)
	expectLast(t, -1, first, "200 ")
	if err := <-d.served; err != nil {
		t.Errorf("Serve = %v", err)
	}
}

// expectLast fails unless the connection has an answer that begins with want, and then
// ends.
func expectLast(t *testing.T, i int, conn net.Conn, want string) {
	t.Helper()
	r := bufio.NewReader(conn)
	if got, err := readAnswer(r); !strings.HasPrefix(got, want) || err != nil {
		t.Errorf("connection %d is answered %q, %v, want %s", i, got, err, want)
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
	waitDraining(t, d.server)
	<-time.After(2 * soon) // longer than the listener takes to close
	send(t, conn, call(small))
	expectLast(t, 0, conn, `503 {"error":"Shutting down"}`)
	if err := <-d.served; err != nil {
		t.Errorf("Serve = %v", err)
	}
}
