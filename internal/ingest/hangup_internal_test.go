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
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	sender, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer sender.Close()
	accepted, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	c := newConnections(1, zerolog.Nop()).add(accepted)
	defer c.Close()
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
