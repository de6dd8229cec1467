package bigquery_test

import (
	"net"
	"sync"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/warehouse/bigquery"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery/bigqueryfake"
)

// A hole is a TCP proxy that can swallow the packets of its connections, as a firewall
// that has forgotten them does.
type hole struct {
	net.Listener
	target string

	mu    sync.Mutex
	conns []*holedConn
}

type holedConn struct {
	net.Conn
	swallow chan struct{} // closed while packets are lost
	hungUp  chan struct{} // closed when the client has closed the connection
}

func newHole(t *testing.T, target string) *hole {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := &hole{Listener: l, target: target}
	t.Cleanup(func() { _ = l.Close() })
	go h.serve()
	return h
}

func (h *hole) serve() {
	for {
		client, err := h.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", h.target)
		if err != nil {
			_ = client.Close()
			continue
		}
		c := &holedConn{Conn: client, swallow: make(chan struct{}), hungUp: make(chan struct{})}
		h.mu.Lock()
		h.conns = append(h.conns, c)
		h.mu.Unlock()
		go c.pass(server, client, nil)
		go c.pass(client, server, c.hungUp)
	}
}

// pass copies until one side closes. Swallowed bytes are read and dropped.
func (c *holedConn) pass(from, to net.Conn, ended chan struct{}) {
	defer func() {
		if ended != nil {
			close(ended)
		}
		_ = to.Close()
	}()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		select {
		case <-c.swallow:
			continue
		default:
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// open swallows the packets of the present connections. Later connections work.
func (h *hole) open() []*holedConn {
	h.mu.Lock()
	defer h.mu.Unlock()
	lost := h.conns
	h.conns = nil
	for _, c := range lost {
		close(c.swallow)
	}
	return lost
}

// The network loses an idle connection without a word. The sink notices by itself, and
// the next Write does not wait for its timeout.
func TestBlackHole(t *testing.T) {
	t.Parallel()
	p := start(t, bigqueryfake.Config{})
	h := newHole(t, p.GRPCEndpoint())
	cfg := p.config()
	cfg.GRPCEndpoint = h.Addr().String()
	sink := open(t, bigquery.WithKeepAlive(cfg, 10*time.Second, time.Second)) // gRPC allows no shorter time
	all := rows(t, 0, 1_200)
	write(t, sink, all[:600])
	noticed := time.After(20 * time.Second)
	for _, c := range h.open() {
		select {
		case <-c.hungUp:
		case <-noticed:
			t.Fatal("the sink still uses a dead connection")
		}
	}
	began := time.Now()
	if _, err := sink.Write(t.Context(), all[600:]); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("the first Write after the loss took %v", took)
	}
	wantRows(t, p, all)
}
