package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cioevents/cioevents/test/lab"
)

// A balancer distributes calls over the processes of ingest, as a Service of
// Kubernetes does. The balancer notices the shutdown of a process a little later than
// the process, and tries another process when a connection is refused. A call that
// breaks in the middle cannot be repeated: the balancer answers 502, and 503 to a call
// without an answer in time.
type balancer struct {
	backends []*backend
	next     atomic.Uint64
	http     *http.Transport
}

type backend struct {
	addr  string
	front *proxy
	mu    sync.Mutex
	out   bool // the process shuts down
}

// answerWithin is longer than ingest takes to answer, and shorter than Customer.io waits.
const answerWithin = 3200 * time.Millisecond

func newBalancer(ingests []*lab.Process) (*balancer, error) {
	b := &balancer{}
	b.http = &http.Transport{
		MaxIdleConnsPerHost: 64, IdleConnTimeout: 30 * time.Second, ResponseHeaderTimeout: answerWithin, DialContext: b.dial,
	}
	for _, p := range ingests {
		front, err := newProxy(p.Addr)
		if err != nil {
			return nil, err
		}
		b.backends = append(b.backends, &backend{addr: p.Addr, front: front})
	}
	return b, nil
}

func (b *balancer) close() {
	for _, be := range b.backends {
		be.front.close()
	}
}

func (b *balancer) dial(ctx context.Context, _, addr string) (net.Conn, error) {
	i := slices.IndexFunc(b.backends, func(be *backend) bool { return be.addr == addr })
	return b.backends[i].front.dial(ctx)
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
	if late := net.Error(nil); errors.As(err, &late) && late.Timeout() {
		b.http.CloseIdleConnections() // The process may be unreachable.
		w.WriteHeader(http.StatusServiceUnavailable)
		return true
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
