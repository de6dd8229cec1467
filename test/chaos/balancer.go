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

// A balancer stands before the processes of ingest, as a service of Kubernetes
// does: it sends calls to those that run and do not end, learns of an end a little
// later than the process, and tries another when one refuses the connection. What
// breaks in the middle of a call it cannot repeat: it answers 502.
type balancer struct {
	backends []*backend
	next     atomic.Uint64
	http     *http.Transport
}

type backend struct {
	addr string
	mu   sync.Mutex
	out  bool // takes no new calls
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
		return // the caller has hung up
	}
	first := int(b.next.Add(1) % uint64(len(b.backends))) //nolint:gosec // the number of backends
	for i := range 2 * len(b.backends) {
		be := b.backends[(first+i)%len(b.backends)]
		if !be.takes() && i < len(b.backends) { // the second time round even those
			continue
		}
		if b.pass(w, r, be.addr, body) {
			return
		}
	}
	w.WriteHeader(http.StatusServiceUnavailable) // nobody is there at all
}

// pass hands the call to a backend, and reports false when that takes none.
func (b *balancer) pass(w http.ResponseWriter, r *http.Request, addr string, body []byte) bool {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, r.Method, "http://"+addr+r.URL.Path, bytes.NewReader(body)) //nolint:gosec // an address of ours
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
	_, _ = io.Copy(w, res.Body) // the caller has hung up
	return true
}
