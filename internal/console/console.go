// Package console is the web page of the pipeline for people: whether the feed is alive,
// which events arrive, what waits as a dead letter. It shows what the use cases and the
// reports return and has no use case of its own.
//
// A page is a file of handlers and a template of the same name. To add a page, write
// both files and add a line to pages.
package console

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/effect"
	"github.com/cioevents/cioevents/internal/operate"
	"github.com/cioevents/cioevents/internal/privacy"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/warehouse/place"
)

// Config configures a console. Conn and a warehouse are required.
type Config struct {
	Settings
	// Conn is the connection to the stream. The caller closes it.
	Conn *stream.Conn
	// Warehouses are all warehouses of the pipeline. Pages show the first, exports and
	// erasures take all.
	Warehouses []place.Place
	// Workspaces are the names of CUSTOMERIO_WORKSPACES. Default none: see people.Workspace.
	Workspaces []string
	// PrivacyKey makes the marks of erased persons. Default nil: the console erases nobody.
	PrivacyKey *privacy.Key
	// Rules are the workers' settings of effects, for previews.
	Rules operate.PolicySettings
	// Log gets a line for each change. Default no log.
	Log zerolog.Logger
}

// A Server is the console on a listener of its own.
type Server struct {
	cfg      Config
	ln       net.Listener
	srv      *http.Server
	menu     []page
	guard    *guard
	numbers  *numbers
	policy   effect.Policy
	sessions *sessions
	lives    atomic.Int32 // open live pages
	jobs     jobs
	receipts receipts
	marks    privacy.Key // names persons in the log
	// life ends when the console stops, and with it the jobs.
	life context.Context //nolint:containedctx // the life of the server, not of a request
	end  context.CancelFunc
}

// New binds the listener of the settings. The error about an address names CONSOLE_ADDR.
func New(cfg Config) (*Server, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	policy, err := cfg.Rules.Policy()
	if err != nil {
		return nil, err
	}
	ln, err := net.Listen("tcp", cfg.Addr) //nolint:noctx // binding does not wait
	if err != nil {
		return nil, fmt.Errorf("CONSOLE_ADDR: %w", err)
	}
	s := &Server{cfg: cfg, ln: ln, menu: pages(), guard: newGuard(cfg.Settings), numbers: newNumbers(cfg.Warehouses[0]), policy: policy, sessions: newSessions(cfg.Password)}
	if s.marks, err = marksOf(cfg.PrivacyKey); err != nil {
		return nil, errors.Join(err, ln.Close())
	}
	s.life, s.end = context.WithCancel(context.Background())
	s.srv = &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      time.Minute, // of a browser that does not read; live pages have their own
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(zerolog.NewSlogHandler(cfg.Log), slog.LevelWarn),
	}
	return s, nil
}

// Addr returns the bound address.
func (s *Server) Addr() net.Addr { return s.ln.Addr() }

// URL returns the address of the first page for a browser on this machine.
func (s *Server) URL() string {
	addr := s.ln.Addr().String()
	if at, err := netip.ParseAddrPort(addr); err == nil && at.Addr().IsUnspecified() {
		addr = net.JoinHostPort("localhost", strconv.Itoa(int(at.Port())))
	}
	return "http://" + addr + "/"
}

// stopTimeout is the time for the requests in flight when the console stops.
const stopTimeout = 5 * time.Second

// Run answers until ctx ends. Then live pages end at once, other requests within
// stopTimeout, and a change of dead letters after the dead letters in progress.
func (s *Server) Run(ctx context.Context) error {
	s.srv.BaseContext = func(net.Listener) context.Context { return ctx }
	served := make(chan error, 1)
	go func() { served <- s.srv.Serve(s.ln) }()
	select {
	case err := <-served:
		return fmt.Errorf("serve console: %w", err)
	case <-ctx.Done():
	}
	defer s.Close()
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	if err := s.srv.Shutdown(stopping); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("stop console: %w", err)
	}
	return nil
}

// Close stops the listener and the changes in progress.
func (s *Server) Close() {
	s.end()
	s.jobs.wait.Wait()
	_ = s.srv.Close() // requests in flight have had their time
	_ = s.ln.Close()
}

// Handler returns all pages behind the guard. Run serves the same handler.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /assets/{name}", serveAsset)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	s.loginRoutes(mux)
	for i := range s.menu {
		p := &s.menu[i]
		p.routes(s, &router{server: s, mux: mux, page: p})
	}
	return s.guard.protect(s.authenticate(mux))
}
