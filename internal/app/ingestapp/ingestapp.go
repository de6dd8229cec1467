// Package ingestapp assembles ingest: settings, connection to the stream, webhook
// listener and admin listener.
package ingestapp

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/app"
	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/ingest"
)

// drainDelay is the default of DRAIN_DELAY. A load balancer that probes every 2 s and
// needs three failures notices a drain within 6 s, and its last probe takes some time.
const drainDelay = 8 * time.Second

// leaveWithin spreads the restarts of several ingests whose connections to NATS were
// closed for good at the same moment. A restart takes 1 to 2 s.
const leaveWithin = 10 * time.Second

// Config is the settings of ingest.
type Config struct {
	app.Config
	// Addr is the address of the webhook listener.
	Addr       string
	Workspaces config.Workspaces
	Receiver   ingest.Config
}

// Declare adds the settings to the set.
func (c *Config) Declare(s *config.Set) {
	s.Address(&c.Addr, "INGEST_ADDR", ":8080", "address of the webhook listener: POST /webhooks/customerio and /webhooks/customerio/{workspace}, GET /healthz")
	c.Workspaces.Declare(s, config.WantSecrets)
	s.Check(c.Workspaces.RequireSecrets)
	c.Receiver.DrainDelay = drainDelay
	c.Receiver.Declare(s)
	c.Receiver.DeclareListener(s)
	c.Config.Declare(s)
}

// An App is an ingest whose listeners are bound.
type App struct {
	app.Base
	server *ingest.Server
	ln     net.Listener
}

// New binds the listeners and begins to connect to NATS. The caller runs the
// app, or closes it.
func New(cfg Config, log zerolog.Logger) (*App, error) {
	a := &App{Base: app.Base{LeaveWithin: leaveWithin}}
	if err := a.open(cfg, log); err != nil {
		a.Close()
		return nil, err
	}
	return a, nil
}

func (a *App) open(cfg Config, log zerolog.Logger) (err error) {
	if err := a.Open("ingest", cfg.Config, log); err != nil {
		return err
	}
	if a.server, err = a.newServer(cfg); err != nil {
		return err
	}
	if err := a.Listen(a.server.CheckReady, a.Conn.Notes); err != nil {
		return err
	}
	if a.ln, err = net.Listen("tcp", cfg.Addr); err != nil { //nolint:noctx // binding does not wait
		return fmt.Errorf("INGEST_ADDR: %w", err)
	}
	return nil
}

func (a *App) newServer(cfg Config) (*ingest.Server, error) {
	receiver := cfg.Receiver
	for _, w := range cfg.Workspaces.All() {
		if err := receiver.AddWorkspace(w.Name, w.Secrets); err != nil {
			return nil, err
		}
	}
	receiver.Publisher, receiver.Ready = a.Publisher, a.Conn.Ready
	receiver.Log, receiver.Metrics, receiver.Tracer = a.Log, a.Registry, a.Traces.Tracer()
	return ingest.New(receiver)
}

// Addr is the bound address of the webhook listener.
func (a *App) Addr() net.Addr { return a.ln.Addr() }

// Run receives webhook calls until ctx ends, then drains and closes the app.
func (a *App) Run(ctx context.Context) error {
	defer a.Close()
	a.Log.Info().Stringer("addr", a.Addr()).Stringer("admin", a.AdminAddr()).Msg("ingest is listening")
	return a.Serve(ctx, a.KeepStreams, func(ctx context.Context) error { return a.server.Serve(ctx, a.ln) })
}

// Close closes the listeners and the connection to NATS. Run calls Close.
func (a *App) Close() {
	if a.ln != nil {
		_ = a.ln.Close() // closed by Serve already, or never used
	}
	a.Base.Close()
}
