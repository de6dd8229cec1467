package stream

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// connected returns a connection after its handshake and its other end, on which each Read
// returns a single write.
func connected(t *testing.T) (c *serverConn, srv net.Conn) {
	t.Helper()
	client, srv := net.Pipe()
	c = newServerConn(client)
	if err := c.SetDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	return c, srv
}

func write(t *testing.T, c *serverConn, text string) {
	t.Helper()
	if n, err := c.Write([]byte(text)); n != len(text) || err != nil {
		t.Fatalf("Write = %d, %v", n, err)
	}
}

// Messages that arrive during a write go out together, in their order, and Close writes the
// last of them.
func TestBatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, srv := connected(t)
		write(t, c, "first")
		synctest.Wait() // the write of the first waits for the reader
		write(t, c, " second")
		write(t, c, " third")
		p := make([]byte, 100)
		for _, want := range []string{"first", " second third"} {
			if n, err := srv.Read(p); string(p[:n]) != want || err != nil {
				t.Errorf("the server reads %q, %v, want %q", p[:n], err, want)
			}
		}
		write(t, c, "last")
		go func() { _ = c.Close() }()
		if rest, err := io.ReadAll(srv); string(rest) != "last" || err != nil {
			t.Errorf("the server reads %q, %v before the end", rest, err)
		}
	})
}

// A server that reads nothing stops the writers after maxBatch, and Close frees them soon.
func TestBatchIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, _ := connected(t)
		block := strings.Repeat("x", maxBatch/2)
		write(t, c, block)
		synctest.Wait() // the write of this block never ends
		write(t, c, block)
		write(t, c, block)
		ended := make(chan error, 1)
		go func() {
			_, err := c.Write([]byte(block))
			ended <- err
		}()
		synctest.Wait()
		select {
		case err := <-ended:
			t.Fatalf("a block above maxBatch does not wait: %v", err)
		default:
		}
		begin := time.Now()
		_ = c.Close()
		if err := <-ended; !errors.Is(err, net.ErrClosed) || time.Since(begin) > closeTimeout {
			t.Errorf("the writer ends with %v after %v", err, time.Since(begin))
		}
	})
}

// A message above maxBatch goes out.
func TestBatchOfALargeMessage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, srv := connected(t)
		large := strings.Repeat("x", 3*maxBatch)
		go func() {
			write(t, c, large)
			write(t, c, large)
			_ = c.Close()
		}()
		if got, err := io.ReadAll(srv); len(got) != 2*len(large) || err != nil {
			t.Errorf("the server reads %d bytes, %v, want %d", len(got), err, 2*len(large))
		}
	})
}

// After a failed write the connection is closed: nats.go reads from the connection all the
// time, and connects again.
func TestFailedBatchClosesTheConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, _ := connected(t)
		write(t, c, "never read")
		read := make(chan error, 1)
		go func() {
			_ = c.SetReadDeadline(time.Time{}) // longer than writeTimeout
			_, err := c.Conn.Read(make([]byte, 1))
			read <- err
		}()
		begin := time.Now()
		if err := <-read; !errors.Is(err, io.ErrClosedPipe) || time.Since(begin) != writeTimeout {
			t.Errorf("the reader ends with %v after %v, want after %v", err, time.Since(begin), writeTimeout)
		}
		synctest.Wait()
		if _, err := c.Write([]byte("x")); err == nil {
			t.Error("a later write succeeds")
		}
		_ = c.Close()
	})
}
