package customerio

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/effect"
)

// A relay forwards connections to a server. freeze makes the relay drop the bytes of all
// current connections silently.
type relay struct {
	net.Listener
	to string

	mu     sync.Mutex
	frozen chan struct{}
}

func newRelay(t *testing.T, to string) *relay {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{Listener: ln, to: to, frozen: make(chan struct{})}
	t.Cleanup(func() { _ = ln.Close() })
	go r.run()
	return r
}

func (r *relay) run() {
	for {
		in, err := r.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("tcp", r.to)
		if err != nil {
			return
		}
		r.mu.Lock()
		frozen := r.frozen
		r.mu.Unlock()
		go pass(in, out, frozen)
		go pass(out, in, frozen)
	}
}

func pass(to io.Writer, from io.Reader, frozen <-chan struct{}) {
	b := make([]byte, 32<<10)
	for {
		n, err := from.Read(b)
		if err != nil {
			return
		}
		select {
		case <-frozen:
			continue
		default:
			_, _ = to.Write(b[:n])
		}
	}
}

func (r *relay) freeze() {
	r.mu.Lock()
	defer r.mu.Unlock()
	close(r.frozen)
	r.frozen = make(chan struct{})
}

// The client soon replaces a connection that is silently dead.
func TestFrozenConnection(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor != 2 {
			t.Errorf("protocol %s", r.Proto)
		}
		_, _ = io.WriteString(w, "{}")
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	r := newRelay(t, server.Listener.Addr().String())
	transport := newTransport(8)
	transport.HTTP2.SendPingTimeout /= 20 // or the test would take that much longer
	transport.HTTP2.PingTimeout /= 20
	pool := x509.NewCertPool()
	pool.AddCert(server.Certificate())
	transport.TLSClientConfig = &tls.Config{RootCAs: pool}
	c, err := New(Config{
		SiteID: "s", APIKey: "k", URL: "https://" + r.Addr().String(), Transport: transport, Timeout: 300 * time.Millisecond, Rate: 1000,
	})
	if err != nil {
		t.Fatal(err)
	}
	call := effect.Call{Kind: effect.Suppress, Person: effect.Person{Kind: effect.ID, Value: "p"}, At: time.Now()}
	if err := c.Apply(t.Context(), call); err != nil {
		t.Fatal(err)
	}
	r.freeze()
	tick, deadline := time.NewTicker(20*time.Millisecond), time.After(20*time.Second)
	defer tick.Stop()
	for c.Apply(t.Context(), call) != nil {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("no call succeeds")
		}
	}
}
