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
		accepted, _ := connected(t)
		c := newConnections(1, zerolog.Nop()).add(accepted)
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
		accepted, sender := connected(t)
		c := newConnections(1, zerolog.Nop()).add(accepted)
		c.become(state)
		if _, err := io.WriteString(sender, "POST"); err != nil {
			t.Fatal(err)
		}
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

// A late connection is one of a process that gets no CPU after it has set a deadline, until
// a short deadline is over.
type late struct{ *net.TCPConn }

func (l late) SetReadDeadline(at time.Time) error {
	err := l.TCPConn.SetReadDeadline(at)
	if wait := time.Until(at); 0 < wait && wait < time.Second {
		<-time.After(wait + time.Millisecond)
	}
	return err
}

// Bytes that have arrived before leave are read, also if the process gets no CPU for a while.
func TestBytesThatArriveBeforeALateLeave(t *testing.T) {
	t.Parallel()
	accepted, sender := connected(t)
	c := newConnections(1, zerolog.Nop()).add(late{accepted.(*net.TCPConn)})
	if c.raw == nil {
		t.Skip("no look at sockets on this system")
	}
	if _, err := io.WriteString(sender, "POST"); err != nil {
		t.Fatal(err)
	}
	c.leave()
	p := make([]byte, 4)
	if n, err := c.Read(p); n != 4 || err != nil || c.owner.going.Load() != 0 {
		t.Errorf("%d bytes, %v, %d connections leave", n, err, c.owner.going.Load())
	}
}
