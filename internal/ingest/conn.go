package ingest

import (
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"sync/atomic"
)

// A conn is an accepted connection.
type conn struct {
	net.Conn
	// state is the last http.ConnState of the connection.
	state atomic.Int32
}

// CloseWrite closes the sending side. net/http closes the sending side first after a
// body that was not read to its end: a reset could otherwise destroy the answer.
func (c *conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

// idle reports whether the connection waits for its next request.
func (c *conn) idle() bool { return http.ConnState(c.state.Load()) == http.StateIdle }

// accepted returns the conn behind a connection of net/http.
func accepted(nc net.Conn) *conn {
	if secured, ok := nc.(*tls.Conn); ok {
		nc = secured.NetConn()
	}
	c, _ := nc.(*conn)
	return c
}
