package bigqueryfake

import (
	"net"
	"sync"
)

// A mode is what becomes of connections.
type mode int

const (
	open      mode = iota // served
	resetting             // closed at once
	hanging               // accepted and left alone
)

// A gate is a listener that can lose its connections and turn new ones away.
// It listens all the while, so that nobody else is given its port during an
// outage.
type gate struct {
	net.Listener

	mu    sync.Mutex
	mode  mode
	conns map[net.Conn]struct{} // served or hanging
}

func newGate(l net.Listener) *gate {
	return &gate{Listener: l, conns: map[net.Conn]struct{}{}}
}

// Accept returns the next connection that is to be served.
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

// set breaks every connection and treats later ones as m says.
func (g *gate) set(m mode) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.mode = m
	for c := range g.conns {
		reset(c)
	}
	clear(g.conns)
}

// reset closes with a TCP reset where it can, as a host without a server does.
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
