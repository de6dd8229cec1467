package app

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"golang.org/x/sync/errgroup"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/telemetry"
)

// Config is the settings of every program.
type Config struct {
	// AdminAddr is the address of the admin listener.
	AdminAddr string
	NATS      stream.Config
	Stream    stream.Settings
	Traces    config.Traces
}

// Declare adds the settings to the set.
func (c *Config) Declare(s *config.Set) {
	s.Address(&c.AdminAddr, "ADMIN_ADDR", ":9090", "address of the admin listener with /metrics, /healthz and /readyz; keep it off the internet")
	c.NATS.Declare(s)
	c.Stream.Declare(s)
	c.Traces.Declare(s)
}

// A Base is the parts of every program. Open sets the exported fields.
type Base struct {
	Log       zerolog.Logger
	Conn      *stream.Conn
	Publisher *stream.Publisher
	Registry  *prometheus.Registry
	Traces    *telemetry.Traces
	// LeaveWithin is the longest pause between the final closure of the connection to NATS
	// and the end of all work; the pause is random. Default 0.
	LeaveWithin time.Duration

	program string
	cfg     Config
	admin   *telemetry.Admin
}

// InboxPrefix and the name of a program start the subjects on which the program
// receives answers from NATS, and a worker its messages. The permissions in deploy/
// contain these prefixes.
const InboxPrefix = "_INBOX_"

// Open fills the base of a program and begins to connect to NATS. The caller
// closes the base, also after an error.
func (b *Base) Open(program string, cfg Config, log zerolog.Logger) (err error) {
	b.program, b.cfg, b.Log, b.Registry = program, cfg, log, telemetry.NewRegistry()
	cfg.NATS.Name, cfg.NATS.InboxPrefix, cfg.NATS.Log = "cioevents "+program, InboxPrefix+program, log
	if b.Conn, err = stream.Connect(cfg.NATS); err != nil {
		return err
	}
	b.Registry.MustRegister(b.Conn.Health())
	if b.Publisher, err = stream.NewPublisher(b.Conn, 0); err != nil {
		return err
	}
	b.Traces, err = telemetry.NewTraces(cfg.Traces.URL(), "cioevents-"+program, log, b.Registry)
	return err
}

// Listen binds the admin listener. The functions are those of
// telemetry.NewAdmin.
func (b *Base) Listen(ready func(context.Context) error, notes func() []string) (err error) {
	if b.admin, err = telemetry.NewAdmin(b.cfg.AdminAddr, b.Registry, ready, notes); err != nil {
		return fmt.Errorf("ADMIN_ADDR: %w", err)
	}
	return nil
}

// Metrics gathers the program's instruments.
func (b *Base) Metrics() prometheus.Gatherer { return b.Registry }

// AdminAddr is the bound address of the admin listener.
func (b *Base) AdminAddr() net.Addr { return b.admin.Addr() }

// Serve runs all work concurrently until ctx ends or a part fails. The admin
// listener answers until all work has ended: a load balancer must see the program
// drain. A connection to NATS that is closed for good is a failure: whoever restarts the
// program gets a new connection.
func (b *Base) Serve(ctx context.Context, work ...func(context.Context) error) error {
	adminCtx, stopAdmin := context.WithCancel(context.WithoutCancel(ctx))
	defer stopAdmin()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return b.admin.Serve(adminCtx) })
	g.Go(func() error {
		defer stopAdmin()
		parts, ctx := errgroup.WithContext(ctx)
		parts.Go(func() error { return b.waitClosed(ctx) })
		for _, part := range work {
			parts.Go(func() error { return part(ctx) })
		}
		return parts.Wait()
	})
	err := g.Wait()
	b.Log.Info().Msg(b.program + " stopped")
	return err
}

// waitClosed waits for the final closure of the connection, and then for a random part of
// LeaveWithin: a cause on the side of NATS reaches all processes at the same moment, and
// some of them must keep their listeners meanwhile.
func (b *Base) waitClosed(ctx context.Context) error {
	err := b.Conn.WaitClosed(ctx)
	if err != nil && b.LeaveWithin > 0 {
		select {
		case <-time.After(rand.N(b.LeaveWithin)): // spreads load, guards nothing
		case <-ctx.Done():
		}
	}
	return err
}

// EnsureStream creates missing streams as soon as NATS is reachable. The error is
// nil when ctx ends first.
func (b *Base) EnsureStream(ctx context.Context) error {
	err := b.Conn.EnsureUntil(ctx, b.cfg.Stream)
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// KeepStreams is EnsureStream, and then watches the streams and recreates a deleted one,
// until ctx ends.
func (b *Base) KeepStreams(ctx context.Context) error {
	err := b.EnsureStream(ctx)
	if err == nil {
		b.Conn.KeepStreams(ctx, b.cfg.Stream)
	}
	return err
}

// Close undoes Open and Listen. A second call does nothing.
func (b *Base) Close() {
	if b.admin != nil {
		b.admin.Close()
	}
	if b.Publisher != nil {
		b.Publisher.Close()
	}
	if b.Conn != nil {
		b.Conn.Close()
	}
	b.Traces.Close()
}
