package ingest

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

// A countedConn counts the deadlines that reach a connection.
type countedConn struct {
	net.Conn
	deadlines int
}

func (c *countedConn) SetReadDeadline(t time.Time) error {
	c.deadlines++
	return c.Conn.SetReadDeadline(t)
}

func (c *countedConn) SetWriteDeadline(t time.Time) error {
	c.deadlines++
	return c.Conn.SetWriteDeadline(t)
}

// withLazy runs a test with a lazy connection and its other end, on a clock of its own.
func withLazy(t *testing.T, test func(t *testing.T, c *lazyConn, peer net.Conn)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		defer near.Close()
		defer far.Close()
		test(t, newLazyConn(&countedConn{Conn: near}), far)
	})
}

// endsAfter expects that a read or a write ends at a deadline after the time.
func endsAfter(t *testing.T, name string, after time.Duration, do func([]byte) (int, error)) {
	t.Helper()
	begin := time.Now()
	n, err := do(make([]byte, 1))
	if took := time.Since(begin); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) || took != after {
		t.Errorf("%s: %d, %v after %v, want the deadline after %v", name, n, err, took, after)
	}
}

// The last deadline holds, whether it was set before or during a read or a write, and
// whatever deadline came before.
func TestLastDeadlineHolds(t *testing.T) {
	t.Parallel()
	in := func(d time.Duration) time.Time { return time.Now().Add(d) }
	withLazy(t, func(t *testing.T, c *lazyConn, _ net.Conn) {
		t.Helper()
		for name, side := range map[string]struct {
			do  func([]byte) (int, error)
			set func(time.Time) error
		}{
			"read":  {c.Read, c.SetReadDeadline},
			"write": {c.Write, c.SetWriteDeadline},
		} {
			_ = side.set(in(time.Second))
			endsAfter(t, name+" after a deadline", time.Second, side.do)
			endsAfter(t, name+" after the end of the deadline", 0, side.do)
			_ = side.set(in(time.Minute))
			endsAfter(t, name+" after a later deadline", time.Minute, side.do)
			_ = side.set(in(time.Second))
			time.AfterFunc(time.Second/2, func() { _ = side.set(in(time.Minute)) })
			endsAfter(t, name+" with a later deadline during the wait", time.Minute+time.Second/2, side.do)
			_ = side.set(in(time.Minute))
			time.AfterFunc(time.Second/2, func() { _ = side.set(past) })
			endsAfter(t, name+" with a deadline of the past during the wait", time.Second/2, side.do)
			_ = side.set(in(time.Second))
			time.AfterFunc(time.Second/2, func() { _ = side.set(time.Time{}) })
			time.AfterFunc(time.Hour, func() { _ = side.set(past) })
			endsAfter(t, name+" without a deadline during the wait", time.Hour, side.do)
		}
		_ = c.SetDeadline(in(time.Second))
		endsAfter(t, "read after SetDeadline", time.Second, c.Read)
		endsAfter(t, "write after SetDeadline", 0, c.Write)
	})
}

// A write that a former deadline interrupts continues where it was.
func TestFormerDeadlineLosesNoBytes(t *testing.T) {
	t.Parallel()
	withLazy(t, func(t *testing.T, c *lazyConn, peer net.Conn) {
		t.Helper()
		_ = c.SetWriteDeadline(time.Now().Add(2 * time.Second))
		go func() { _ = c.SetWriteDeadline(time.Now().Add(time.Minute)) }()
		got := make(chan string, 1)
		go func() {
			text := make([]byte, 10)
			_, _ = io.ReadFull(peer, text[:4])
			<-time.After(10 * time.Second)
			_, _ = io.ReadFull(peer, text[4:])
			got <- string(text)
		}()
		if n, err := c.Write([]byte("0123456789")); n != 10 || err != nil {
			t.Fatalf("%d bytes, %v", n, err)
		}
		if text := <-got; text != "0123456789" {
			t.Errorf("the other end has read %q", text)
		}
	})
}

// The deadlines that net/http sets for a call reach the connection in the first call only.
func TestDeadlinesOfCallsAreSpared(t *testing.T) {
	t.Parallel()
	withLazy(t, func(t *testing.T, c *lazyConn, peer net.Conn) {
		t.Helper()
		below, _ := c.Conn.(*countedConn)
		go func() { _, _ = io.Copy(peer, peer) }()
		for range 100 {
			_ = c.SetReadDeadline(time.Now().Add(headerTimeout))
			_ = c.SetReadDeadline(time.Now().Add(readTimeout))
			_ = c.SetWriteDeadline(time.Now().Add(writeTimeout))
			_ = c.SetReadDeadline(time.Time{})
			if _, err := c.Write([]byte("x")); err != nil {
				t.Fatal(err)
			}
			_ = c.SetWriteDeadline(time.Time{})
			_ = c.SetReadDeadline(time.Now().Add(idleTimeout))
			if _, err := c.Read(make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
		}
		if below.deadlines != 2 {
			t.Errorf("%d deadlines reach the connection, want one to read and one to write", below.deadlines)
		}
	})
}
