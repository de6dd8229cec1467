package main

import (
	"context"
	"net"
	"os"
	"sync"
	"time"

	"github.com/cioevents/cioevents/test/lab"
)

// A proxy forwards TCP connections to another address. Faults close its connections,
// silence them or slow them down.
type proxy struct {
	ln net.Listener
	to string

	mu    sync.Mutex
	links map[*link]struct{}
	// cut refuses connections, black accepts connections and forwards nothing.
	cut, black bool
	weather    weather
}

func newProxy(to string) (*proxy, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &proxy{ln: ln, to: to, links: map[*link]struct{}{}}
	go p.serve()
	return p, nil
}

func (p *proxy) addr() string { return p.ln.Addr().String() }

func (p *proxy) serve() {
	for {
		in, err := p.ln.Accept()
		if err != nil {
			return // The listener is closed.
		}
		go p.pass(in)
	}
}

func (p *proxy) pass(in net.Conn) {
	out, err := net.Dial("tcp", p.to)
	if err != nil {
		_ = in.Close()
		return
	}
	p.join(in, out)
}

// connectWithin is how long a dial waits for a silent machine.
const connectWithin = 500 * time.Millisecond

// dial connects without a listener between: the address may refuse the connection.
func (p *proxy) dial(ctx context.Context) (net.Conn, error) {
	if p.silent() {
		lab.Pause(ctx, connectWithin)
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: os.ErrDeadlineExceeded}
	}
	out, err := net.Dial("tcp", p.to)
	if err != nil {
		return nil, err
	}
	client, in := net.Pipe()
	go p.join(in, out)
	return client, nil
}

// join forwards bytes between two connections until both are closed.
func (p *proxy) join(in, out net.Conn) {
	defer in.Close()
	defer out.Close()
	l := &link{proxy: p, client: in, server: out}
	if !p.add(l) {
		return
	}
	l.run()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.links, l)
}

// add reports false when the proxy is cut.
func (p *proxy) add(l *link) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	l.dead.Store(p.black)
	p.links[l] = struct{}{}
	return !p.cut
}

// setCut closes all connections and refuses new connections until setCut(false). Bytes
// in flight are lost, as with a cable.
func (p *proxy) setCut(cut bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = cut
	for l := range p.links {
		if cut {
			l.close()
		}
	}
}

// close ends the proxy and all connections.
func (p *proxy) close() {
	_ = p.ln.Close()
	p.setCut(true)
}

// silence makes all connections half-open for ever, and new connections until restore:
// a side gets neither another byte nor the end of the connection.
func (p *proxy) silence() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.black = true
	for l := range p.links {
		l.dead.Store(true)
	}
}

// restore forwards new connections again. The server is told that its half-open
// connections are gone, as by a machine that has restarted; the client is not.
func (p *proxy) restore() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.black = false
	for l := range p.links {
		if l.dead.Load() {
			l.reset()
		}
	}
}

// halfOpen counts the half-open connections that their clients have not closed yet.
func (p *proxy) halfOpen() (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		if l.dead.Load() && !l.left.Load() {
			n++
		}
	}
	return n
}

// open counts the connections.
func (p *proxy) open() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.links)
}

// set changes the weather of all connections.
func (p *proxy) set(w weather) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.weather = w
}

func (p *proxy) silent() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.black
}

func (p *proxy) now() weather {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.weather
}
