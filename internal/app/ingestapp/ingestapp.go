// Package ingestapp wires the receiver: its settings, its connection to the
// stream, its listeners.
package ingestapp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"golang.org/x/sync/errgroup"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/ingest"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/telemetry"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// InboxPrefix is where the stream's answers to the receiver come: the
// permissions in deploy/ name it.
const InboxPrefix = "_INBOX_ingest"

// Config is the settings of the receiver.
type Config struct {
	Addr, AdminAddr string
	Workspaces      config.Workspaces
	// Scheme and Tolerance are those of webhook.VerifierConfig.
	Scheme      string
	Tolerance   time.Duration
	MaxBody     int64
	MaxInFlight int
	DrainDelay  time.Duration
	Listener    Listener
	NATS        stream.Config
	Stream      stream.Settings
	Traces      config.Traces
}

// Declare adds the settings to the set.
func (c *Config) Declare(s *config.Set) {
	s.String(&c.Addr, "INGEST_ADDR", ":8080", "address of the webhook listener: POST /webhooks/customerio and /webhooks/customerio/{workspace}, GET /healthz")
	s.String(&c.AdminAddr, "ADMIN_ADDR", ":9090", "address of /metrics, /healthz and /readyz; not for the internet")
	c.Workspaces.Declare(s, config.WantSecrets)
	s.Check(c.Workspaces.RequireSecrets)
	c.DrainDelay = 3 * time.Second
	c.DeclareReceiver(s)
	c.Listener.declare(s)
	c.NATS.Declare(s)
	c.Stream.Declare(s)
	c.Traces.Declare(s)
}

// DeclareReceiver adds those settings that only the receiver has. The default of
// DrainDelay is what it is.
func (c *Config) DeclareReceiver(s *config.Set) {
	c.MaxBody, c.Tolerance = ingest.MaxBodyDefault, 192*time.Hour
	s.String(&c.Scheme, "CUSTOMERIO_WEBHOOK_SIGNATURE", string(webhook.SchemeAuto), "accepted signatures: v0 (Customer.io's), body (HMAC of the raw body alone), or auto: v0 for calls with a timestamp header, else body")
	s.Var((*config.Duration)(&c.Tolerance), "CUSTOMERIO_WEBHOOK_TOLERANCE", "oldest accepted timestamp, 0 for any; Customer.io repeats a call for 7 days")
	s.Var((*config.Bytes)(&c.MaxBody), "MAX_BODY_BYTES", "largest accepted body; a larger one is answered 413")
	s.Int(&c.MaxInFlight, "MAX_IN_FLIGHT", ingest.MaxInFlightDefault, "calls that may wait for the stream at a time; more are answered 503")
	s.Var((*config.Duration)(&c.DrainDelay), "DRAIN_DELAY", "how long to go on answering after a stop signal, until load balancers have noticed")
	s.Check(func() error {
		return config.OneOf("CUSTOMERIO_WEBHOOK_SIGNATURE", c.Scheme,
			string(webhook.SchemeAuto), string(webhook.SchemeV0), string(webhook.SchemeBody))
	})
	s.Check(func() error {
		if c.MaxBody < 1 || c.MaxInFlight < 1 {
			return errors.New("MAX_BODY_BYTES, MAX_IN_FLIGHT: must be above 0")
		}
		return nil
	})
}

// An App is a receiver whose listeners are bound.
type App struct {
	cfg       Config
	log       zerolog.Logger
	conn      *stream.Conn
	publisher *stream.Publisher
	server    *ingest.Server
	admin     *telemetry.Admin
	registry  *prometheus.Registry
	traces    *telemetry.Traces
	ln        net.Listener
}

// New binds the listeners and begins to connect. The caller runs the app, or
// closes it.
func New(cfg Config, log zerolog.Logger) (*App, error) {
	a := &App{cfg: cfg, log: log}
	if err := a.wire(); err != nil {
		a.Close()
		return nil, err
	}
	return a, nil
}

func (a *App) wire() (err error) {
	a.cfg.NATS.Name, a.cfg.NATS.InboxPrefix, a.cfg.NATS.Log = "cioevents ingest", InboxPrefix, a.log
	if a.conn, err = stream.Connect(a.cfg.NATS); err != nil {
		return err
	}
	if a.publisher, err = stream.NewPublisher(a.conn, 0); err != nil {
		return err
	}
	workspaces, err := a.workspaces()
	if err != nil {
		return err
	}
	reg := telemetry.NewRegistry()
	a.registry = reg
	a.traces, err = telemetry.NewTraces(telemetry.TracesConfig{
		URL: a.cfg.Traces.URL(), Service: "cioevents-ingest", Log: a.log, Metrics: reg,
	})
	if err != nil {
		return err
	}
	a.server, err = ingest.New(ingest.Config{
		Workspaces:  workspaces,
		Publisher:   a.publisher,
		MaxBody:     a.cfg.MaxBody,
		MaxInFlight: a.cfg.MaxInFlight,
		DrainDelay:  a.cfg.DrainDelay,
		Ready:       a.conn.Ready,
		Log:         a.log,
		Metrics:     reg,
		Tracer:      a.traces.Tracer(),

		MaxConnections: a.cfg.Listener.MaxConnections,
		TLSCertFile:    a.cfg.Listener.TLSCertFile,
		TLSKeyFile:     a.cfg.Listener.TLSKeyFile,
		Allowed:        a.cfg.Listener.Allowed,
		Proxies:        a.cfg.Listener.Proxies,
	})
	if err != nil {
		return err
	}
	if a.admin, err = telemetry.NewAdmin(a.cfg.AdminAddr, reg, a.server.CheckReady, nil); err != nil {
		return fmt.Errorf("ADMIN_ADDR: %w", err)
	}
	if a.ln, err = net.Listen("tcp", a.cfg.Addr); err != nil { //nolint:noctx // binding does not wait
		return fmt.Errorf("INGEST_ADDR: %w", err)
	}
	return nil
}

func (a *App) workspaces() ([]ingest.Workspace, error) {
	var list []ingest.Workspace
	for _, w := range a.cfg.Workspaces.All() {
		v, err := webhook.NewVerifier(webhook.VerifierConfig{
			Keys: w.Secrets, Scheme: webhook.Scheme(a.cfg.Scheme), Tolerance: a.cfg.Tolerance,
		})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", config.Variable(w.Name, "WEBHOOK_SECRET"), err)
		}
		list = append(list, ingest.Workspace{Name: w.Name, Verifier: v})
	}
	return list, nil
}

// Addr is the bound address of the webhook listener.
func (a *App) Addr() net.Addr { return a.ln.Addr() }

// Metrics gathers the app's instruments.
func (a *App) Metrics() prometheus.Gatherer { return a.registry }

// AdminAddr is the bound address of the admin listener.
func (a *App) AdminAddr() net.Addr { return a.admin.Addr() }

// Run receives until ctx ends, then drains. The admin listener answers until
// the drain is over, so that the load balancer sees it.
func (a *App) Run(ctx context.Context) error {
	defer a.Close()
	a.log.Info().Stringer("addr", a.Addr()).Stringer("admin", a.AdminAddr()).Msg("ingest is listening")
	adminCtx, stopAdmin := context.WithCancel(context.WithoutCancel(ctx))
	defer stopAdmin()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return a.admin.Serve(adminCtx) })
	g.Go(func() error { return ignoreCanceled(a.conn.EnsureUntil(ctx, a.cfg.Stream)) })
	g.Go(func() error {
		defer stopAdmin()
		return a.server.Serve(ctx, a.ln)
	})
	err := g.Wait()
	a.log.Info().Msg("ingest has stopped")
	return err
}

// Close gives everything back. It is called by Run.
func (a *App) Close() {
	if a.ln != nil {
		_ = a.ln.Close() // closed by Serve already, or never used
	}
	if a.admin != nil {
		a.admin.Close()
	}
	if a.publisher != nil {
		a.publisher.Close()
	}
	if a.conn != nil {
		a.conn.Close()
	}
	a.traces.Close()
}

func ignoreCanceled(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}
