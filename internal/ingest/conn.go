package ingest

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"syscall"
	"time"
)

// A conn is an accepted connection. A TLS connection is inside the conn, so that a conn
// sees the bytes of HTTP.
type conn struct {
	net.Conn
	owner *connections
	// state is the last http.ConnState, and since the time of the change, in
	// nanoseconds of Unix time.
	state atomic.Int32
	since atomic.Int64
	// signed is set once the connection has carried a signed call.
	signed atomic.Bool
	// leaving is set while the connection is asked to make room, heard after the first
	// bytes, of TLS or of HTTP.
	leaving, heard atomic.Bool
	// begun is set after the first read. first is the first bytes, as many as tell the
	// PROXY protocol from HTTP.
	begun bool
	first []byte
	// raw is the socket, nil if watch cannot look at the connection. cancel ends the
	// context of the calls.
	raw    syscall.RawConn
	cancel context.CancelFunc
	// unbounded is set while reads have no deadline, unread while net/http has left the
	// connection to watch.
	unbounded, unread atomic.Bool
}

// become records a state. net/http calls become twice per request.
func (c *conn) become(state http.ConnState) {
	c.since.Store(time.Now().UnixNano())
	c.state.Store(int32(state)) //nolint:gosec // one of five small constants
	if c.unread.Load() {
		c.unread.Store(false)
	}
	c.stay()
}

func (c *conn) is(state http.ConnState) bool { return http.ConnState(c.state.Load()) == state }

// past is a deadline that is over.
var past = time.Unix(1, 0)

// leave asks the connection to end. A deadline in the past ends the wait for the next
// request, for a header or for a body; the handler answers 503 to half a body. The
// alternative, Close, could hit a call that has arrived since the caller looked at the
// state.
func (c *conn) leave() {
	if c.leaving.CompareAndSwap(false, true) {
		c.owner.going.Add(1)
	}
	if c.is(http.StateClosed) {
		c.stay() // become has not seen the change
	}
	_ = c.Conn.SetReadDeadline(past) // on a closed connection the next read fails
	if !c.leaving.Load() {
		_ = c.Conn.SetReadDeadline(time.Now().Add(headerTimeout)) // a call has arrived meanwhile
	}
}

// stay undoes leave, when the connection has ended or has got a call.
func (c *conn) stay() {
	if c.leaving.Load() && c.leaving.CompareAndSwap(true, false) {
		c.owner.going.Add(-1)
	}
}

// SetReadDeadline is net.Conn's SetReadDeadline. net/http sets the deadline of a new or an
// idle connection after the state: a leave that came between the two stays in force.
func (c *conn) SetReadDeadline(t time.Time) error {
	c.unbounded.Store(t.IsZero())
	err := c.Conn.SetReadDeadline(t)
	if c.leaving.Load() && !c.is(http.StateActive) {
		err = c.Conn.SetReadDeadline(past)
	}
	return err
}

// Read is net.Conn's Read, and looks at the first bytes of the connection.
func (c *conn) Read(p []byte) (int, error) {
	if c.leaveToWatch(p) {
		return 0, nil
	}
	n, err := c.Conn.Read(p)
	if missing := proxyPrefix - len(c.first); missing > 0 {
		c.first = append(c.first, p[:min(n, missing)]...)
	}
	if !c.begun {
		c.begun = true
		err = c.begin(err)
	}
	return n, err
}

// A wire is the connection below TLS.
type wire struct {
	net.Conn
	of *conn
}

// lastChance is how long a leaving connection still reads.
const lastChance = time.Millisecond

// Read is net.Conn's Read. A leaving connection reads once more, what has arrived just
// before leave. With its first bytes, or those of the next call, the connection stays.
func (w *wire) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	if n == 0 && w.of.leaving.Load() && errors.Is(err, os.ErrDeadlineExceeded) {
		n, err = w.readOnceMore(p)
	}
	if n > 0 && (!w.of.heard.Load() || w.of.leaving.Load()) {
		w.arrived()
	}
	return n, err
}

// readOnceMore reads within lastChance. The chance may be over before Read begins, like the
// deadline of acceptQueued; bytes that have arrived get a read that does not wait. If the
// connection closed before these bytes are read, the kernel would reset it.
func (w *wire) readOnceMore(p []byte) (int, error) {
	_ = w.SetReadDeadline(time.Now().Add(lastChance)) // on a closed connection Read fails
	n, err := w.Conn.Read(p)
	if n == 0 && errors.Is(err, os.ErrDeadlineExceeded) && w.of.raw != nil && readable(w.of.raw) {
		_ = w.SetReadDeadline(time.Now().Add(headerTimeout))
		n, err = w.Conn.Read(p)
	}
	return n, err
}

// arrived notes the arrival of bytes. leave has come too early if they are the first, or
// follow a wait.
func (w *wire) arrived() {
	first := !w.of.heard.Swap(true)
	if w.of.leaving.Load() && (first || w.of.is(http.StateIdle)) {
		w.of.since.Store(time.Now().UnixNano())
		w.of.stay()
		_ = w.SetReadDeadline(time.Now().Add(headerTimeout))
	}
}

// CloseWrite closes the sending side.
func (w *wire) CloseWrite() error { return closeWrite(w.Conn) }

// begin looks at the result of the first read. With TLS, the first read includes the
// handshake.
func (c *conn) begin(err error) error {
	secured, ok := c.Conn.(*tls.Conn)
	if ok && err != nil && !secured.ConnectionState().HandshakeComplete {
		c.failedHandshake(err)
		return io.EOF // net/http closes the connection without an answer
	}
	return err
}

// failedHandshake logs a failed TLS handshake: after a failed handshake Customer.io
// waits an hour. A client that does not speak TLS gets an answer without TLS.
func (c *conn) failedHandshake(err error) {
	c.owner.handshakes.Warn().Stringer("from", c.RemoteAddr()).Err(err).Msg("TLS handshake error")
	if plain, ok := errors.AsType[tls.RecordHeaderError](err); ok && plain.Conn != nil {
		c.first = plain.RecordHeader[:] // proxyPrefix bytes
		c.refuse(plain.Conn, outcomeMalformed)
	}
}

// CloseWrite closes the sending side. net/http closes the sending side first after a
// body that was not read to its end: a reset could otherwise destroy the answer.
func (c *conn) CloseWrite() error { return closeWrite(c.Conn) }

func closeWrite(nc net.Conn) error {
	if half, ok := nc.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

type connKey struct{}

// withConn is the HTTP server's ConnContext hook.
func withConn(ctx context.Context, nc net.Conn) context.Context {
	if c, ok := nc.(*conn); ok {
		ctx, c.cancel = context.WithCancel(ctx)
	}
	return context.WithValue(ctx, connKey{}, nc)
}

// trust marks the connection of a call with a valid signature.
func trust(ctx context.Context) {
	if c, ok := ctx.Value(connKey{}).(*conn); ok && !c.signed.Load() {
		c.signed.Store(true)
	}
}
