package ingest

import (
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/rs/zerolog"
)

// The one-byte read of net/http during a call is spared. Any other read of a byte is a read.
func TestOneByteReadIsSpared(t *testing.T) {
	t.Parallel()
	accepted, sender := connected(t)
	c := newConnections(1, zerolog.Nop()).add(accepted)
	if c.raw == nil {
		t.Skip("no look at sockets on this system")
	}
	c.become(http.StateActive)
	_ = c.SetReadDeadline(time.Time{})
	if n, err := c.Read(make([]byte, 1)); n != 0 || err != nil || !c.unread.Load() {
		t.Errorf("during a call: %d, %v, left to watch: %v", n, err, c.unread.Load())
	}
	for name, change := range map[string]func(){
		"with a deadline": func() { _ = c.SetReadDeadline(time.Now().Add(10 * time.Second)) },
		"after the call":  func() { _ = c.SetReadDeadline(time.Time{}); c.become(http.StateIdle) },
	} {
		c.become(http.StateActive)
		change()
		if _, err := sender.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		if n, err := c.Read(make([]byte, 1)); n != 1 || err != nil || c.unread.Load() {
			t.Errorf("%s: %d, %v, left to watch: %v", name, n, err, c.unread.Load())
		}
	}
}

// connected returns both sides of a connection of the kernel.
func connected(t *testing.T) (accepted, sender net.Conn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if sender, err = net.Dial("tcp", ln.Addr().String()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sender.Close() })
	if accepted, err = ln.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { accepted.Close() })
	return accepted, sender
}
