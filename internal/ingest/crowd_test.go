package ingest_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/ingest"
)

const probe = "GET /healthz HTTP/1.1\r\n" + hostLine + "\r\n"

// A crowd opens connections that send some bytes and then nothing more.
type crowd struct {
	mu    sync.Mutex
	conns []net.Conn
}

func (c *crowd) open(addr, raw string, n int) error {
	for range n {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			return fmt.Errorf("open a stranger's connection: %w", err)
		}
		c.mu.Lock()
		c.conns = append(c.conns, conn)
		c.mu.Unlock()
		_, _ = io.WriteString(conn, raw) // the server may have closed the connection
	}
	return nil
}

func (c *crowd) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.conns {
		conn.Close()
	}
	c.conns = nil
}

// A sender on a connection of its own never meets a broken connection, while strangers
// come and go.
//
//nolint:paralleltest // takes many of the files that the process may open
func TestStrangersBreakNoConnection(t *testing.T) {
	l := serveOn(t, ingest.Config{MaxConnections: 64})
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	var all sync.WaitGroup
	all.Go(func() {
		for ctx.Err() == nil {
			var c crowd
			if err := c.open(l.addr, probe, 200); err != nil {
				t.Error(err)
			}
			c.leave()
		}
	})
	for sender := range 8 {
		all.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				l.keepSending(ctx, t, fmt.Sprintf("%d-%d", sender, i))
			}
		})
	}
	all.Wait()
	t.Logf("%d calls", len(l.p.messages()))
}

// keepSending sends calls on a connection until the server says that the connection
// ends.
func (l *listener) keepSending(ctx context.Context, t *testing.T, name string) {
	t.Helper()
	conn := l.dial(t)
	defer conn.Close()
	r := bufio.NewReader(conn)
	for i := 0; ctx.Err() == nil; i++ {
		send(t, conn, call(fmt.Sprintf(`{"event_id":"%s-%d"}`, name, i)))
		a, closed, err := readWholeAnswer(r)
		if err != nil || a != stored {
			t.Errorf("call %s-%d is answered %q, %v", name, i, a, err)
		}
		if closed || err != nil {
			return
		}
		<-time.After(time.Millisecond)
	}
}

// A waiter is a connection whose end the test can see.
type waiter struct {
	net.Conn
	r *bufio.Reader
}

// wait sends a request, expects the answer and returns the waiting connection. The server
// notes the end of a call after the answer, so wait gives it time to do so.
func (l *listener) wait(t *testing.T, raw, want string) waiter {
	t.Helper()
	conn := l.dial(t)
	t.Cleanup(func() { conn.Close() })
	w := waiter{conn, bufio.NewReader(conn)}
	send(t, conn, raw)
	if got, err := readAnswer(w.r); got != want || err != nil {
		t.Fatalf("answered %q, %v, want %q", got, err, want)
	}
	<-time.After(soon)
	return w
}

func (w waiter) ended(t *testing.T, within time.Duration) bool {
	t.Helper()
	if err := w.SetReadDeadline(time.Now().Add(within)); err != nil {
		t.Fatal(err)
	}
	_, err := w.r.Peek(1)
	return isEOF(err)
}

// A crowded listener closes the strangers that wait longest, and no other connection.
func TestTheOldestStrangerLeaves(t *testing.T) {
	t.Parallel()
	l := serveOn(t, ingest.Config{MaxConnections: 8})
	call1 := l.wait(t, call(small), stored)
	stranger1 := l.wait(t, probe, "200 ok")
	call2 := l.wait(t, call(small), duplicate)
	stranger2 := l.wait(t, head()+"\r\n", unsigned)
	for range 3 { // seven of eight are a crowd
		l.wait(t, call(small), duplicate)
	}
	if !stranger1.ended(t, 5*time.Second) {
		t.Error("the oldest stranger stays")
	}
	for i, w := range []waiter{call1, call2, stranger2} {
		if w.ended(t, soon/3) {
			t.Errorf("connection %d has ended", i)
		}
	}
	if got := instrument(t, l, "cioevents_ingest_connections_evicted_total", "false"); got != 1 {
		t.Errorf("%v strangers are counted", got)
	}
}

// A full listener closes an idle connection of a sender if there is no stranger, and
// never a connection with a call in flight.
func TestAFullListenerClosesAnIdleSender(t *testing.T) {
	t.Parallel()
	entered, release := make(chan struct{}), make(chan struct{})
	l := serveOn(t, ingest.Config{MaxConnections: 4, Publisher: &fakePublisher{publish: func(_ context.Context, m *event.Message) error {
		if strings.HasPrefix(m.ID, "slow") {
			entered <- struct{}{}
			<-release
		}
		return nil
	}}})
	first, second := l.wait(t, call(small), stored), l.wait(t, call(small), duplicate)
	var slow []net.Conn
	for _, body := range []string{`{"event_id":"slow1"}`, `{"event_id":"slow2"}`} {
		conn := l.dial(t)
		t.Cleanup(func() { conn.Close() })
		send(t, conn, call(body))
		<-entered
		slow = append(slow, conn)
	}
	l.wait(t, call(small), duplicate)
	if !first.ended(t, 5*time.Second) {
		t.Error("the sender that waits longest stays")
	}
	// If the new connection stays for 10 ms, the listener makes room for another one.
	if second.ended(t, soon/3) && instrument(t, l, "cioevents_ingest_connections_evicted_total", "true") == 1 {
		t.Error("another sender goes")
	}
	close(release)
	for _, conn := range slow {
		if got, err := readAnswer(bufio.NewReader(conn)); got != stored || err != nil {
			t.Errorf("a call in flight is answered %q, %v", got, err)
		}
	}
}

// Each route closes its connection when the listener is crowded.
func TestEachRouteClosesInACrowd(t *testing.T) {
	t.Parallel()
	l := serveOn(t, ingest.Config{MaxConnections: 8})
	for i := range 6 {
		l.wait(t, call(fmt.Sprintf(`{"event_id":"%d"}`, i)), stored)
	}
	for _, raw := range []string{probe, head() + "\r\n", strings.Replace(probe, "healthz", "other", 1), strings.Replace(probe, "GET", "PUT", 1)} {
		conn := l.dial(t)
		send(t, conn, raw)
		if a, closed, err := readWholeAnswer(bufio.NewReader(conn)); !closed || err != nil {
			t.Errorf("%q is answered %q, %v, and the connection stays", raw, a, err)
		}
		conn.Close()
	}
}

// MAX_CONNECTIONS above the limit of open files is lowered.
func TestMaxConnectionsFitsTheOpenFiles(t *testing.T) {
	t.Parallel()
	var log lines
	newServer(t, ingest.Config{Publisher: &fakePublisher{}, MaxConnections: 1 << 40, Log: zerolog.New(&log)})
	if log.count("MAX_CONNECTIONS is lowered") != 1 {
		t.Error("the lower limit is not logged")
	}
}
