package ingest_test

import (
	"bufio"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/ingest"
)

// A scarce listener accepts as many connections as there are files left, like a process
// at its limit of open files. The kernel asks for the file before it looks at the queue
// (net/socket.c, do_accept), so the error also comes while no connection waits.
type scarce struct {
	*net.TCPListener
	files, refused atomic.Int64
}

type scarceConn struct {
	net.Conn
	owner  *scarce
	closed atomic.Bool
}

func (s *scarce) Accept() (net.Conn, error) {
	if s.files.Add(-1) < 0 {
		s.files.Add(1)
		s.refused.Add(1)
		return nil, &net.OpError{Op: "accept", Net: "tcp", Err: os.NewSyscallError("accept4", syscall.EMFILE)}
	}
	nc, err := s.TCPListener.Accept()
	if err != nil {
		s.files.Add(1)
		return nil, err
	}
	return &scarceConn{Conn: nc, owner: s}, nil
}

func (c *scarceConn) Close() error {
	if !c.closed.Swap(true) {
		c.owner.files.Add(1)
	}
	return c.Conn.Close()
}

func (c *scarceConn) CloseWrite() error { return c.Conn.(*net.TCPConn).CloseWrite() }

// A call that waits in the kernel's queue for a file is answered, also while the listener
// ends: a listener that closes resets the call.
func TestCallsWaitForAFile(t *testing.T) {
	t.Parallel()
	for _, stopped := range []bool{false, true} {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		few := &scarce{TCPListener: ln.(*net.TCPListener)}
		few.files.Store(6)
		var log lines
		d := serveOnUntilStopped(t, ingest.Config{
			Publisher: &fakePublisher{}, Log: zerolog.New(&log), DrainDelay: time.Millisecond,
		}, few)
		var c crowd
		t.Cleanup(c.leave)
		if err := c.open(d.addr, "", 12); err != nil {
			t.Fatal(err)
		}
		conn := d.dial(t)
		t.Cleanup(func() { conn.Close() })
		send(t, conn, call(small))
		if stopped {
			d.stop()
			expectLast(t, 0, conn, "200 ", shuttingDown)
		} else if got, err := readAnswer(bufio.NewReader(conn)); got != stored || err != nil {
			t.Errorf("answered %q, %v", got, err)
		}
		c.leave()
		d.stop()
		if err := <-d.served; err != nil {
			t.Errorf("Serve = %v", err)
		}
		if few.refused.Load() == 0 || log.count("raise the limit of open files") != 1 || strings.Contains(log.buf.String(), "Accept error") {
			t.Errorf("%d tries without a file, and the log says %s", few.refused.Load(), log.buf.String())
		}
	}
}
