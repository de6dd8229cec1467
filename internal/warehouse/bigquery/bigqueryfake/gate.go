package bigqueryfake

import (
	"net"
	"sync"
)

// A mode says how a gate treats connections.
type mode int

const (
	open      mode = iota // served
	resetting             // closed at once
	hanging               // accepted and never served
)

// A gate is a listener that can break its connections and refuse new ones. The gate
// keeps listening during an outage. Otherwise another process could get the port.
type gate struct {
	net.Listener

	mu    sync.Mutex
	mode  mode
	conns map[net.Conn]struct{} // served or hanging
}

// Accept returns the next connection to serve.
func (g *gate) Accept() (net.Conn, error) {
	for {
		c, err := g.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if g.admit(c) {
			return &gatedConn{Conn: c, gate: g}, nil
		}
	}
}

func (g *gate) admit(c net.Conn) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.mode == resetting {
		reset(c)
		return false
	}
	g.conns[c] = struct{}{}
	return g.mode == open
}

// set breaks every connection and sets the mode for later connections.
func (g *gate) set(m mode) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.mode = m
	for c := range g.conns {
		reset(c)
	}
	clear(g.conns)
}

// reset closes a TCP connection with a reset, as a host without a server does.
func reset(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.Close()
}

type gatedConn struct {
	net.Conn
	gate *gate
}

func (c *gatedConn) Close() error {
	c.gate.mu.Lock()
	delete(c.gate.conns, c.Conn)
	c.gate.mu.Unlock()
	return c.Conn.Close()
}
