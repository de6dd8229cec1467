package telemetry

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// NewRegistry returns a registry with the instruments of the Go runtime and of
// the process.
func NewRegistry() *prometheus.Registry {
	reg := prometheus.NewRegistry()
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return reg
}

// readyTimeout bounds a readiness check. Probes usually wait a second or more.
const readyTimeout = 900 * time.Millisecond

// An Admin is the listener for /metrics, /healthz and /readyz.
type Admin struct {
	ln  net.Listener
	srv *http.Server
}

// NewAdmin binds addr. The function ready returns nil, or the reason why the program
// cannot work now. The function notes, which may be nil, returns lines for people: the
// answer of /readyz contains the lines, and the program stays ready.
//
// /healthz reports only the process as alive. A restart would not make an unreachable
// NATS reachable.
func NewAdmin(addr string, reg *prometheus.Registry, ready func(context.Context) error, notes func() []string) (*Admin, error) {
	ln, err := net.Listen("tcp", addr) //nolint:noctx // binding does not wait
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(reg, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { write(w, http.StatusOK, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
		defer cancel()
		if err := ready(ctx); err != nil {
			write(w, http.StatusServiceUnavailable, err.Error())
			return
		}
		text := []string{"ready"}
		if notes != nil {
			text = append(text, notes()...)
		}
		write(w, http.StatusOK, strings.Join(text, "\n"))
	})
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute}
	return &Admin{ln: ln, srv: srv}, nil
}

// Addr returns the bound address.
func (a *Admin) Addr() net.Addr { return a.ln.Addr() }

// Serve answers until ctx ends.
func (a *Admin) Serve(ctx context.Context) error {
	stop := context.AfterFunc(ctx, a.Close)
	defer stop()
	if err := a.srv.Serve(a.ln); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve admin: %w", err)
	}
	return nil
}

// Close stops the listener.
func (a *Admin) Close() {
	_ = a.srv.Close() // an admin request in flight may be lost
	_ = a.ln.Close()
}

func write(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = fmt.Fprintln(w, text) // fails only if the prober has hung up
}
