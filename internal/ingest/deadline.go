package ingest

import (
	"errors"
	"net"
	"os"
	"sync"
	"time"
)

// A lazyConn is a connection that passes a deadline on only when the deadline in force
// would come too late. net/http sets seven to nine deadlines per call, nearly all for
// reads and writes that never wait. In the kernel's poller each of them costs a timer.
//
// A read or a write that ends at a deadline of the past tries again until the deadline
// that is wanted. An answer never waits, so a connection sets a deadline every ten
// seconds instead of nine per call.
type lazyConn struct {
	net.Conn
	reads, writes deadline
}

func newLazyConn(nc net.Conn) *lazyConn {
	return &lazyConn{Conn: nc, reads: deadline{set: nc.SetReadDeadline}, writes: deadline{set: nc.SetWriteDeadline}}
}

// A deadline is the deadline of one direction.
type deadline struct {
	set func(time.Time) error // of the connection below

	mu sync.Mutex
	// wanted is the deadline that the caller has set, and armed the deadline of the
	// connection below; zero means none.
	wanted, armed time.Time
	// waiting is the number of reads or writes in progress. While there are any, armed is
	// not later than wanted.
	waiting int
}

// change sets the wanted deadline, also of the reads or writes in progress.
func (d *deadline) change(t time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.wanted = t
	if d.waiting > 0 {
		return d.arm()
	}
	return nil
}

// arm makes sure that armed is not later than wanted.
func (d *deadline) arm() error {
	if d.wanted.IsZero() || !d.armed.IsZero() && !d.wanted.Before(d.armed) {
		return nil
	}
	d.armed = d.wanted
	return d.set(d.wanted)
}

func (d *deadline) begin() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.waiting++
	return d.arm()
}

func (d *deadline) end() {
	d.mu.Lock()
	d.waiting--
	d.mu.Unlock()
}

// early reports whether err came before the wanted deadline, and arms the latter.
func (d *deadline) early(err error) bool {
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.wanted.IsZero() && !time.Now().Before(d.wanted) {
		return false
	}
	d.armed = d.wanted
	return d.set(d.wanted) == nil
}

// Read is net.Conn's Read.
func (c *lazyConn) Read(p []byte) (n int, err error) {
	if err := c.reads.begin(); err != nil {
		return 0, err
	}
	defer c.reads.end()
	for n, err = c.Conn.Read(p); n == 0 && c.reads.early(err); {
		n, err = c.Conn.Read(p)
	}
	return n, err
}

// Write is net.Conn's Write.
func (c *lazyConn) Write(p []byte) (n int, err error) {
	if err := c.writes.begin(); err != nil {
		return 0, err
	}
	defer c.writes.end()
	for n, err = c.Conn.Write(p); c.writes.early(err); {
		var more int
		more, err = c.Conn.Write(p[n:])
		n += more
	}
	return n, err
}

// SetDeadline is net.Conn's SetDeadline.
func (c *lazyConn) SetDeadline(t time.Time) error {
	return errors.Join(c.reads.change(t), c.writes.change(t))
}

// SetReadDeadline is net.Conn's SetReadDeadline. On a closed connection the next read
// fails, and the deadline may not.
func (c *lazyConn) SetReadDeadline(t time.Time) error { return c.reads.change(t) }

// SetWriteDeadline is net.Conn's SetWriteDeadline.
func (c *lazyConn) SetWriteDeadline(t time.Time) error { return c.writes.change(t) }

// CloseWrite closes the sending side.
func (c *lazyConn) CloseWrite() error { return closeWrite(c.Conn) }
