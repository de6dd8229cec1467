package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cioevents/cioevents/test/lab"
)

// A balancer distributes calls over the processes of ingest, as a Service of
// Kubernetes does. The balancer notices the shutdown of a process a little later than
// the process, and tries another process when a connection is refused. A call that
// breaks in the middle cannot be repeated: the balancer answers 502.
type balancer struct {
	backends []*backend
	next     atomic.Uint64
	http     *http.Transport
}

type backend struct {
	addr string
	mu   sync.Mutex
	out  bool // the process shuts down
}

func newBalancer(ingests []*lab.Process) *balancer {
	b := &balancer{http: &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: 30 * time.Second}}
	for _, p := range ingests {
		b.backends = append(b.backends, &backend{addr: p.Addr})
	}
	return b
}

func (b *backend) set(out bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.out = out
}

func (b *backend) takes() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return !b.out
}

// ServeHTTP implements http.Handler.
func (b *balancer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // The caller has hung up.
	}
	first := int(b.next.Add(1) % uint64(len(b.backends))) //nolint:gosec // The number of backends is small.
	for i := range 2 * len(b.backends) {
		be := b.backends[(first+i)%len(b.backends)]
		if !be.takes() && i < len(b.backends) { // The second round tries every process.
			continue
		}
		if b.pass(w, r, be.addr, body) {
			return
		}
	}
	w.WriteHeader(http.StatusServiceUnavailable) // No process accepts connections.
}

// pass sends the call to a backend, and reports false when the backend refuses the
// connection.
func (b *balancer) pass(w http.ResponseWriter, r *http.Request, addr string, body []byte) bool {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, r.Method, "http://"+addr+r.URL.Path, bytes.NewReader(body)) //nolint:gosec // The address is local.
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return true
	}
	req.Header = r.Header.Clone()
	res, err := b.http.RoundTrip(req)
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		return false
	}
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return true
	}
	defer res.Body.Close()
	w.WriteHeader(res.StatusCode)
	_, _ = io.Copy(w, res.Body) // An error means that the caller has hung up.
	return true
}
