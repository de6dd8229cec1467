// Package workerapp assembles the worker: settings, consumers, Track API clients and
// warehouses.
package workerapp

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sync/errgroup"

	"github.com/cioevents/cioevents/internal/alerts"
	"github.com/cioevents/cioevents/internal/app"
	"github.com/cioevents/cioevents/internal/audit"
	"github.com/cioevents/cioevents/internal/customerio"
	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/guard"
	"github.com/cioevents/cioevents/internal/worker"
)

// defaultBatchRows is the size at which DuckDB and the batches of two loops fit
// into 400 MiB. Batches of 10,000 rows are 5 % quicker and take some 50 MiB more.
const defaultBatchRows = 5_000

// defaultEngagementBatch is the number of opens in the first minutes of a
// newsletter: most people are then updated once for all opens. A worker keeps as
// many events in memory during an outage. After a crash NATS delivers the events
// again.
const defaultEngagementBatch = 100_000

// Limits of a fetch. A fetch of suppressions does not linger: a complaint must not
// wait. Engagement waits a second for more events of the same person. The warehouse
// waits half a second for more rows, because each batch costs a commit.
//
// The bytes of engagement bound the bodies that are kept, those of repeated attempts: after
// a crash a whole batch of opens comes again, and each takes 1 KB besides its body.
var (
	suppressionLimits = event.Limits{Messages: 64, Bytes: 16 << 20}
	engagementLimits  = event.Limits{Bytes: 16 << 20, Linger: time.Second}
	warehouseLimits   = event.Limits{Linger: 500 * time.Millisecond}
)

// warehouseMessage bounds the average size of the messages in a batch of the warehouse,
// subject and headers included. Usual messages have 760 bytes. More bytes in a batch would
// only take memory: two loops have a batch each, and Go's heap grows to twice their size.
const warehouseMessage = 840

// heldShare is the part of MAX_ACK_PENDING that waits for a commit of the warehouse. Other
// workers and the batches in work need the rest.
const heldShare = 4

// An App is a worker whose admin listener is bound.
type App struct {
	app.Base
	cfg     Config
	worker  string // the name of this process in heartbeats
	metrics *worker.Metrics
	watch   *stream.Watch
	sinks   []warehouse.Sink
	stores  []*storeGuard
	guard   *guard.Guard // nil without warehouses
	clients []*customerio.Client
	jobs    []job
	keepers []keeper
	audits  *audit.Metrics  // nil without the consumer Warehouse
	mail    *worker.Mail    // nil without a warehouse
	alerts  *alerts.Alerter // nil without a receiver
	// credentialsWait is the constant, replaced by a test.
	credentialsWait time.Duration
	// stateErr is the error of the last check of the bucket.
	stateErr atomic.Pointer[error]
}

// A job is one consumer with its handler, before the consumer is opened.
type job struct {
	name     string
	subjects []string
	limits   event.Limits
	loops    int
	handler  worker.Handler
	gate     worker.Gate
	source   *stream.Durable
	// store is nil unless the consumer fills a warehouse.
	store *storeGuard
}

// New binds the admin listener and begins to connect to NATS. The caller runs
// the app, or closes it.
func New(cfg Config, log zerolog.Logger) (*App, error) {
	a := &App{cfg: cfg, worker: newWorkerName(), credentialsWait: credentialsWait}
	if err := a.open(log); err != nil {
		a.Close()
		return nil, err
	}
	return a, nil
}

func (a *App) open(log zerolog.Logger) error {
	if err := a.Open("worker", a.cfg.Config, log); err != nil {
		return err
	}
	a.metrics = worker.NewMetrics(a.Registry)
	if a.cfg.NeedsTrack() {
		if err := a.wireEffects(); err != nil {
			return err
		}
	}
	if slices.Contains(a.cfg.Consumers, Warehouse) {
		if err := errors.Join(a.wireWarehouses(), a.wireNames()); err != nil {
			return err
		}
		a.audits = audit.NewMetrics(a.Registry, a.workspaces()...)
	}
	if err := a.wireAlerts(); err != nil {
		return err
	}
	a.wireSources()
	a.stateErr.Store(&errStateUnchecked)
	a.watch = a.Conn.NewWatch(stream.WatchConfig{Consumers: a.names(), Every: a.cfg.BeatEvery, Now: a.cfg.Now})
	a.Registry.MustRegister(a.watch)
	// An unavailable Track API and a missing stream of dead letters are notes. A worker
	// is ready when it reaches the stream: docs/adr/0004-readiness.md.
	return a.Listen(a.withStores(a.ready), a.notes)
}

func (a *App) wireAlerts() (err error) {
	cfg := a.cfg.Alerts
	cfg.Worker, cfg.Every, cfg.Now, cfg.Log = a.worker, a.cfg.BeatEvery, a.cfg.Now, a.Log
	cfg.Metrics = alerts.NewMetrics(a.Registry)
	if cfg.URL != "" {
		a.alerts, err = alerts.New(cfg, a.Conn)
	}
	return err
}

func (a *App) wireEffects() error {
	metrics := customerio.NewMetrics(a.Registry)
	for _, w := range a.cfg.Workspaces.All() {
		var client *customerio.Client // nil in a dry run, which needs no credentials
		if !a.cfg.Effects.DryRun {
			var err error
			if client, err = a.newClient(w, metrics); err != nil {
				return err
			}
			a.clients = append(a.clients, client)
		}
		a.addEffects(w.Name, client)
	}
	a.reportPolicies()
	return nil
}

// Run works until ctx ends, then finishes or releases the messages in hand and
// closes the app.
func (a *App) Run(ctx context.Context) error {
	defer a.Close()
	a.Log.Info().Str("worker", a.worker).Strs("consumers", a.names()).Stringer("admin", a.AdminAddr()).Msg("worker is starting")
	return a.Serve(ctx, a.openWarehouses, a.work)
}

// credentialsWait is how long the worker runs without credentials for a warehouse.
const credentialsWait = time.Minute

// openWarehouses creates the tables, because queries must succeed before the first
// event. A warehouse that is down is tried until ctx ends.
//
// The end of the process is the only cure for missing credentials: Google's library asks
// once whether a metadata server exists, and keeps a no for the life of the process
// (cloud.google.com/go/compute/metadata, OnGCE). On GKE that server is late for some new
// pods (https://github.com/googleapis/google-cloud-go/issues/14349).
func (a *App) openWarehouses(ctx context.Context) error {
	opening, ctx := errgroup.WithContext(ctx)
	for _, g := range a.stores {
		opening.Go(func() error { return g.open(ctx, a.credentialsWait) })
	}
	return opening.Wait()
}

func (a *App) names() []string {
	names := make([]string, len(a.jobs))
	for i, j := range a.jobs {
		names[i] = j.name
	}
	return names
}

func (a *App) work(ctx context.Context) error {
	if err := a.EnsureStream(ctx); err != nil || ctx.Err() != nil {
		return err
	}
	var running sync.WaitGroup
	checked := make(chan struct{})
	running.Go(func() { a.keepState(ctx, checked) })
	<-checked
	if a.guard != nil {
		running.Go(func() { a.guard.Run(ctx) })
	}
	running.Go(func() { a.warnOfLeftovers(ctx) }) // events do not wait for the list
	for _, j := range a.jobs {
		running.Go(func() { a.runLinked(ctx, j) })
	}
	for _, k := range a.keepers {
		running.Go(func() { k.run(ctx) })
	}
	if a.audits != nil {
		running.Go(func() { a.audits.Watch(ctx, a.Conn.State(), a.Log) })
	}
	running.Go(func() { a.serveReplays(ctx) })
	running.Go(func() { a.watch.Run(ctx) })
	running.Go(func() { a.sendBeats(ctx) })
	if a.alerts != nil {
		running.Go(func() { a.alerts.Run(ctx) })
	}
	running.Go(func() { a.Conn.KeepStreams(ctx, a.cfg.Stream) })
	running.Wait()
	return nil
}

// runJob opens a consumer and handles its messages. The consumer is closed when the
// last message is settled, and its position is then stored.
func (a *App) runJob(ctx context.Context, j job) {
	open, closeSource := context.WithCancel(context.WithoutCancel(ctx))
	var source sync.WaitGroup
	source.Go(func() { j.source.Run(open) })
	a.consume(ctx, j, j.source, a.Log)
	closeSource()
	source.Wait()
}

// consume handles the messages of a source as the job says until ctx ends.
func (a *App) consume(ctx context.Context, j job, source worker.Source, log zerolog.Logger) {
	if j.store != nil {
		source = guarded{source, j.store}
	}
	consumer, err := worker.New(worker.Config{
		Name: j.name, Source: source, Handler: j.handler, DeadLetters: a.Publisher, State: a.Conn.State(),
		Gate: j.gate, Limits: j.limits, Loops: j.loops, MaxHeld: a.cfg.MaxAckPending / heldShare, MaxAttempts: a.cfg.MaxAttempts,
		ExtendEvery: stream.AckWait / 3, Metrics: a.metrics, Log: log, Tracer: a.Traces.Tracer(),
	})
	if err != nil {
		log.Error().Err(err).Str("consumer", j.name).Msg("consumer not started")
		return
	}
	consumer.Run(ctx)
}

// Close closes the warehouses, the listener and the connection to NATS. Run calls
// Close.
func (a *App) Close() {
	for _, s := range a.sinks {
		if err := s.Close(); err != nil {
			a.Log.Warn().Err(err).Msg("warehouse not closed")
		}
	}
	a.Base.Close()
}
