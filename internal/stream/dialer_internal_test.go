package stream

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

// silent expects that Read of the connection fails after the time.
func silent(t *testing.T, c net.Conn, after time.Duration, want error) {
	t.Helper()
	begin := time.Now()
	n, err := c.Read(make([]byte, 1))
	if took := time.Since(begin); n != 0 || !errors.Is(err, want) || took != after {
		t.Errorf("Read = %d, %v after %v, want %v after %v", n, err, took, want, after)
	}
}

// A server that sends at least a byte now and then stays connected, for example over a
// slow network, however late the answers to pings are.
func TestSlowServerIsNotLost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, srv := net.Pipe()
		c := newServerConn(client)
		if err := c.SetDeadline(time.Time{}); err != nil {
			t.Fatal(err)
		}
		go func() {
			for range 20 {
				<-time.After(maxSilence - time.Millisecond)
				_, _ = srv.Write([]byte("x"))
			}
		}()
		if _, err := io.ReadFull(c, make([]byte, 20)); err != nil {
			t.Errorf("a slow server is lost: %v", err)
		}
		silent(t, c, maxSilence, errSilent)
	})
}

// The deadline of the handshake holds during the handshake. Afterwards a Read that began
// before the end of the handshake must not wait for ever.
func TestHandshakeDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, _ := net.Pipe()
		c := newServerConn(client)
		if err := c.SetDeadline(time.Now().Add(dialTimeout)); err != nil {
			t.Fatal(err)
		}
		silent(t, c, dialTimeout, os.ErrDeadlineExceeded)
		if err := c.SetDeadline(time.Now().Add(dialTimeout)); err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(time.Second, func() { _ = c.SetDeadline(time.Time{}) })
		silent(t, c, time.Second+maxSilence, os.ErrDeadlineExceeded)
	})
}
