package ingest

import (
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/rs/zerolog"
)

// net/http sets the deadline of an idle connection after the state, so leave may come in
// between.
func TestLeaveBeforeTheDeadlineOfAnIdleConnection(t *testing.T) {
	t.Parallel()
	for _, state := range []http.ConnState{http.StateNew, http.StateIdle} {
		c, _ := piped(t)
		c.become(state)
		c.leave()
		if err := c.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) > time.Second/2 {
			t.Errorf("%v: the read ends after %v with %v", state, time.Since(start), err)
		}
	}
}

// The first bytes of a connection, or of the next call, may arrive with leave.
func TestBytesThatArriveWithLeave(t *testing.T) {
	t.Parallel()
	for _, state := range []http.ConnState{http.StateNew, http.StateIdle} {
		c, sender := piped(t)
		c.become(state)
		go func() { _, _ = io.WriteString(sender, "POST") }()
		<-time.After(10 * time.Millisecond) // the bytes wait
		c.leave()
		p := make([]byte, 4)
		if n, err := c.Read(p); n != 4 || err != nil {
			t.Fatalf("%v: %d bytes, %v", state, n, err)
		}
		go func() {
			<-time.After(20 * time.Millisecond) // another packet
			_, _ = io.WriteString(sender, " / H")
		}()
		if n, err := c.Read(p); n != 4 || err != nil || c.owner.going.Load() != 0 {
			t.Errorf("%v: then %d bytes, %v, %d connections leave", state, n, err, c.owner.going.Load())
		}
	}
}

func piped(t *testing.T) (c *conn, sender net.Conn) {
	t.Helper()
	sender, receiver := net.Pipe()
	t.Cleanup(func() { sender.Close(); receiver.Close() })
	return newConnections(1, zerolog.Nop()).add(receiver), sender
}
