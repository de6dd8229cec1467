// Package workerapp wires the worker: its settings, its consumers, the Track
// API and the warehouses.
package workerapp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"golang.org/x/sync/errgroup"

	"github.com/cioevents/cioevents/internal/customerio"
	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/telemetry"
	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/worker"
)

// InboxPrefix is where messages and the stream's answers to the worker come: the
// permissions in deploy/ name it.
const InboxPrefix = "_INBOX_worker"

// batchRowsDefault is what two loops can hold beside DuckDB in 400 MiB. Twice as
// many are 5 % quicker and take some 50 MiB more.
const batchRowsDefault = 5_000

// engagementBatchDefault is what a worker holds of opens and clicks: a newsletter's
// opens of the first minutes, so that most people are updated once for them. What is
// held in an outage or lost with a process is as much, and comes again.
const engagementBatchDefault = 100_000

// Limits of a fetch. Suppressions take what is there: a complaint must not wait.
// Engagement waits a second for more of the same person, and rows half a second
// for others, as each batch costs a commit.
var (
	suppressionLimits = event.Limits{Messages: 64, Bytes: 16 << 20}
	engagementLimits  = event.Limits{Bytes: 64 << 20, Linger: time.Second}
	warehouseLimits   = event.Limits{Bytes: 16 << 20, Linger: 500 * time.Millisecond}
)

// An App is a worker whose admin listener is bound.
type App struct {
	cfg       Config
	log       zerolog.Logger
	conn      *stream.Conn
	publisher *stream.Publisher
	admin     *telemetry.Admin
	registry  *prometheus.Registry
	traces    *telemetry.Traces
	metrics   *worker.Metrics
	watch     *stream.Watch
	sinks     []warehouse.Sink
	rows      []*worker.Rows
	clients   []*customerio.Client
	jobs      []job
}

// A job is one consumer and what it needs to be opened.
type job struct {
	name     string
	subjects []string
	limits   event.Limits
	loops    int
	handler  worker.Handler
	gate     worker.Gate
}

// New binds the listener and begins to connect. The caller runs the app, or
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
	a.cfg.NATS.Name, a.cfg.NATS.InboxPrefix, a.cfg.NATS.Log = "cioevents worker", InboxPrefix, a.log
	if a.conn, err = stream.Connect(a.cfg.NATS); err != nil {
		return err
	}
	if a.publisher, err = stream.NewPublisher(a.conn, 0); err != nil {
		return err
	}
	reg := telemetry.NewRegistry()
	a.registry = reg
	a.traces, err = telemetry.NewTraces(telemetry.TracesConfig{
		URL: a.cfg.Traces.URL(), Service: "cioevents-worker", Log: a.log, Metrics: reg,
	})
	if err != nil {
		return err
	}
	a.metrics = worker.NewMetrics(reg)
	if a.cfg.NeedsTrack() {
		if err := a.wireEffects(reg); err != nil {
			return err
		}
	}
	if slices.Contains(a.cfg.Consumers, Warehouse) {
		if err := a.wireWarehouses(); err != nil {
			return err
		}
	}
	a.watch = a.conn.NewWatch(stream.WatchConfig{Consumers: a.names()})
	reg.MustRegister(a.watch)
	// Whether the Track API answers is only noted: see docs/adr/0004-readiness.md.
	if a.admin, err = telemetry.NewAdmin(a.cfg.AdminAddr, reg, a.conn.Ready, a.notes); err != nil {
		return fmt.Errorf("ADMIN_ADDR: %w", err)
	}
	return nil
}

func (a *App) wireEffects(reg prometheus.Registerer) error {
	metrics := customerio.NewMetrics(reg)
	for _, w := range a.cfg.Workspaces.All() {
		var people *customerio.Client // none in a dry run, which needs no credentials
		if !a.cfg.Effects.DryRun {
			var err error
			if people, err = a.profiles(w, metrics); err != nil {
				return err
			}
			a.clients = append(a.clients, people)
		}
		a.addEffects(w.Name, people)
	}
	a.sayPolicies(reg)
	return nil
}

// Metrics gathers the app's instruments.
func (a *App) Metrics() prometheus.Gatherer { return a.registry }

// AdminAddr is the bound address of the admin listener.
func (a *App) AdminAddr() net.Addr { return a.admin.Addr() }

// Run works until ctx ends, then finishes or gives back what is in hand.
func (a *App) Run(ctx context.Context) error {
	defer a.Close()
	a.log.Info().Strs("consumers", a.names()).Stringer("admin", a.AdminAddr()).Msg("worker is starting")
	adminCtx, stopAdmin := context.WithCancel(context.WithoutCancel(ctx))
	defer stopAdmin()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return a.admin.Serve(adminCtx) })
	for _, r := range a.rows {
		g.Go(func() error {
			a.openWarehouse(ctx, r)
			return nil
		})
	}
	g.Go(func() error {
		defer stopAdmin()
		return a.work(ctx)
	})
	err := g.Wait()
	a.log.Info().Msg("worker has stopped")
	return err
}

// openWarehouse makes the tables exist, so that questions can be asked before the
// first event. When it fails, the first batch tries again.
func (a *App) openWarehouse(ctx context.Context, rows *worker.Rows) {
	if err := rows.Open(ctx); err != nil && ctx.Err() == nil {
		a.log.Warn().Err(err).Msg("warehouse not open yet; the first batch tries again")
	}
}

func (a *App) names() []string {
	names := make([]string, len(a.jobs))
	for i, j := range a.jobs {
		names[i] = j.name
	}
	return names
}

func (a *App) work(ctx context.Context) error {
	if err := a.conn.EnsureUntil(ctx, a.cfg.Stream); err != nil {
		if errors.Is(err, context.Canceled) {
			return nil // stopped before NATS was there
		}
		return err
	}
	var running sync.WaitGroup
	running.Go(func() { a.sayLeftovers(ctx) }) // no event waits for it
	for _, j := range a.jobs {
		running.Go(func() { a.runJob(ctx, j) })
	}
	running.Go(func() { a.serveReplays(ctx) })
	running.Go(func() { a.watch.Run(ctx) })
	running.Wait()
	return nil
}

// runJob opens a consumer, as soon as that is possible, and works on it.
func (a *App) runJob(ctx context.Context, j job) {
	source, err := a.conn.OpenConsumerUntil(ctx, j.name, j.subjects)
	if err != nil {
		return // stopped before
	}
	a.consume(ctx, j, source, a.log)
}

// consume works on the job's messages from a source until ctx ends.
func (a *App) consume(ctx context.Context, j job, source worker.Source, log zerolog.Logger) {
	consumer, err := worker.New(worker.Config{
		Name: j.name, Source: source, Handler: j.handler, DeadLetters: a.publisher,
		Gate: j.gate, Limits: j.limits, Loops: j.loops, MaxAttempts: a.cfg.MaxAttempts,
		ExtendEvery: stream.AckWait / 3, Metrics: a.metrics, Log: log, Tracer: a.traces.Tracer(),
	})
	if err != nil {
		log.Error().Err(err).Str("consumer", j.name).Msg("consumer not started")
		return
	}
	consumer.Run(ctx)
}

// Close gives everything back. It is called by Run.
func (a *App) Close() {
	for _, s := range a.sinks {
		if err := s.Close(); err != nil {
			a.log.Warn().Err(err).Msg("warehouse not closed")
		}
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
