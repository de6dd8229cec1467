package stream_test

import (
	"io"
	"net"
	"net/url"
	"sync/atomic"
	"testing"

	"github.com/cioevents/cioevents/internal/stream/streamtest"
)

// A network forwards the connections to a server.
type network struct {
	ln net.Listener
	// url is the server's URL with the address of the network.
	url string
	// dialed counts all connections, open the ones that the client has not closed.
	dialed, open atomic.Int32
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
		n.dialed.Add(1)
		n.open.Add(1)
		go func() {
			_, _ = io.Copy(server, client)
			n.open.Add(-1)
			client.Close()
			server.Close()
		}()
		go func() {
			_, _ = io.Copy(client, server)
			if c, ok := client.(*net.TCPConn); ok {
				_ = c.CloseWrite()
			}
		}()
	}
}
