package stream

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync/atomic"
	"time"
)

const (
	// dialTimeout bounds each try to reach a server, and then its greeting.
	dialTimeout = 2 * time.Second
	// pingEvery is how often nats.go asks the server for a sign of life.
	pingEvery = 2 * time.Second
	// maxSilence is the time after which a server that sends nothing counts as lost: three
	// pings went unanswered. A server answers pings also while it elects a leader, waits for
	// its disk or refuses messages.
	maxSilence = 3 * pingEvery
	// maxPings is how many pings in a row may have no answer from a server that sends other
	// bytes. The answer comes after the messages of the last fetch, which take long on a
	// slow network: 64 MiB, the most that a server keeps for a client by default
	// (max_pending), need 27 s at 20 Mbit/s.
	maxPings = 15
)

// A dialer connects a single nats.Conn to its servers. nats.go calls Dial under its lock,
// and no more than one of the connections is in use.
type dialer struct {
	last net.Conn
}

// Dial implements nats.CustomDialer. Dial closes the connection of the last try: nats.go
// 1.55 forgets to close a connection that the server has refused (doReconnect, after
// processConnectInit). While a password is refused, each try would keep a file open until
// the next garbage collection.
func (d *dialer) Dial(network, address string) (net.Conn, error) {
	if d.last != nil {
		_ = d.last.Close() // usually closed already
	}
	conn, err := (&net.Dialer{Timeout: dialTimeout}).Dial(network, address)
	if err != nil {
		return nil, err
	}
	d.last = newServerConn(conn)
	return d.last, nil
}

var errSilent = errors.New("no sign of life from the NATS server")

// A serverConn is a connection whose Read fails after maxSilence without a byte. A server
// that vanishes without a FIN, or behind a proxy, is lost in no other way: the kernel
// waits for minutes, and a proxy may confirm each byte. After the handshake a serverConn
// writes in batches.
type serverConn struct {
	net.Conn
	// up is set after the handshake, which has a deadline of its own.
	up  atomic.Bool
	out batcher
}

func newServerConn(c net.Conn) *serverConn { return &serverConn{Conn: c, out: batcher{conn: c}} }

func (c *serverConn) Read(p []byte) (int, error) {
	up := c.up.Load()
	if up {
		if err := c.expectBytes(); err != nil {
			return 0, err
		}
	}
	n, err := c.Conn.Read(p)
	if up && errors.Is(err, os.ErrDeadlineExceeded) {
		err = fmt.Errorf("%w for %v: %w", errSilent, maxSilence, err)
	}
	return n, err
}

func (c *serverConn) Write(p []byte) (int, error) {
	if !c.up.Load() {
		return c.Conn.Write(p)
	}
	return c.out.write(p)
}

// SetWriteDeadline is called by nats.go around each write. The batcher has a deadline of its
// own.
func (c *serverConn) SetWriteDeadline(t time.Time) error {
	if c.up.Load() {
		return nil
	}
	return c.Conn.SetWriteDeadline(t)
}

func (c *serverConn) Close() error { return c.out.close() }

// SetDeadline is called by nats.go before the handshake, and with the zero time after it,
// when a Read may already wait.
func (c *serverConn) SetDeadline(t time.Time) error {
	c.up.Store(t.IsZero())
	if err := c.Conn.SetDeadline(t); err != nil || !t.IsZero() {
		return err
	}
	return c.expectBytes()
}

func (c *serverConn) expectBytes() error {
	return c.SetReadDeadline(time.Now().Add(maxSilence))
}
