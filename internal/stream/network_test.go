package stream_test

import (
	"io"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/stream/streamtest"
)

// A network forwards the connections to a server, and can lose the server without a FIN.
type network struct {
	ln net.Listener
	// url is the server's URL with the address of the network.
	url string
	// dialed counts all connections, open the ones that the client has not closed.
	dialed, open atomic.Int32

	// delay is the time that bytes to the client take.
	delay atomic.Int64

	mu    sync.Mutex
	links []*forward
}

// A forward is one direction of a connection. A dead one swallows all bytes, and its
// connection stays open.
type forward struct {
	net.Conn
	dead atomic.Bool
}

func (f *forward) Write(p []byte) (int, error) {
	if f.dead.Load() {
		return len(p), nil
	}
	return f.Conn.Write(p)
}

// A slow connection keeps the bytes that it reads for a delay.
type slow struct {
	net.Conn
	delay *atomic.Int64
}

func (s slow) Read(p []byte) (int, error) {
	n, err := s.Conn.Read(p)
	<-time.After(time.Duration(s.delay.Load()))
	return n, err
}

func newNetwork(t *testing.T, srv *streamtest.Server) *network {
	t.Helper()
	u, err := url.Parse(srv.URL())
	if err != nil {
		t.Fatal(err)
	}
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	n := &network{ln: ln}
	go n.serve(u.Host)
	u.Host = ln.Addr().String()
	n.url = u.String()
	return n
}

func (n *network) serve(to string) {
	for {
		client, err := n.ln.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", to)
		if err != nil {
			client.Close()
			continue
		}
		toServer := n.link(server)
		toClient := n.link(client)
		n.dialed.Add(1)
		n.open.Add(1)
		go func() {
			_, _ = io.Copy(toServer, client)
			n.open.Add(-1)
			client.Close()
			server.Close()
		}()
		go func() {
			_, _ = io.Copy(toClient, slow{server, &n.delay})
			if c, ok := client.(*net.TCPConn); ok && !toClient.dead.Load() {
				_ = c.CloseWrite()
			}
		}()
	}
}

func (n *network) link(to net.Conn) *forward {
	f := &forward{Conn: to}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.links = append(n.links, f)
	return f
}

// silence lets the server vanish from all connections for ever. New connections work.
func (n *network) silence() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, f := range n.links {
		f.dead.Store(true)
	}
}
