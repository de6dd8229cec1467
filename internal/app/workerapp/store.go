package workerapp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/fault"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/guard"
	"github.com/cioevents/cioevents/internal/warehouse/place"
	"github.com/cioevents/cioevents/internal/worker"
)

// A storeGuard lets a warehouse's consumer fetch only while the consumer's metadata
// names the store of this worker. Workers with different stores would each take a part
// of the events. A warehouse's consumer remembers its store: docs/adr/0009-stores.md.
type storeGuard struct {
	place  place.Place
	source stream.DurableConfig
	conn   *stream.Conn
	sink   place.Sink
	rows   *worker.Rows
	erased *guard.Guard
	log    zerolog.Logger

	known  chan struct{} // closed when own and opened are set
	own    warehouse.Store
	opened string // the id of own at the opening, which never changes

	writing sync.RWMutex // held for reading by each Write: see accept

	mu      sync.Mutex
	linked  bool
	refusal error // nil unless the consumer fills another store
	lost    error // set while somebody has replaced the store since its opening
	failure error // of the last opening or writing, nil after a success

	// The fields below belong to run.

	vacantSince, claimedAt time.Time
	warned                 bool
	identified             bool // whether own is the store that has replaced a lost one
}

// A failed opening is repeated after firstOpenWait, then after twice the wait, up to
// lastOpenWait.
const (
	firstOpenWait = 250 * time.Millisecond
	lastOpenWait  = 15 * time.Second
)

// open opens the warehouse and reads its id, and retries until success or the end of
// ctx. Queries must succeed before the first event, so open does not wait for NATS. The
// error says that the credentials were missing for patience.
func (g *storeGuard) open(ctx context.Context, patience time.Duration) error {
	begin := time.Now()
	for wait := firstOpenWait; ctx.Err() == nil; wait = min(2*wait, lastOpenWait) {
		err := g.rows.Open(ctx)
		if err == nil {
			g.own, err = g.sink.Store(ctx)
		}
		g.fails(ctx, err)
		switch {
		case err == nil:
			g.opened = g.own.ID
			close(g.known)
			return nil
		case ctx.Err() != nil:
			return nil //nolint:nilerr // the worker stops
		case !errors.Is(err, warehouse.ErrNoCredentials):
			begin = time.Now()
		case time.Since(begin) >= patience:
			return fmt.Errorf("open warehouse of consumer %s: %w", g.place.Consumer, err)
		}
		if named, ok := fault.RetryWait(err); ok {
			wait = named
		}
		g.log.Warn().Err(err).Stringer("wait", wait).Msg("warehouse not open, trying again")
		pause(ctx, wait)
	}
	return nil
}

// beginWait bounds how long a missing consumer waits for the warehouse. A consumer
// created with its store needs no claim. While the warehouse is down, the consumer must
// exist nevertheless: alerts watch the lag.
const beginWait = 5 * time.Second

// begin creates a missing consumer with the store of this worker.
func (g *storeGuard) begin(ctx context.Context) {
	select {
	case <-g.known:
	case <-time.After(beginWait):
		return
	case <-ctx.Done():
		return
	}
	link, err := g.conn.StoreLink(ctx, g.place.Consumer)
	if err == nil && !link.Exists {
		err = g.conn.CreateLinked(ctx, g.source, g.store(0))
	}
	if err != nil && ctx.Err() == nil {
		g.log.Warn().Err(err).Msg("consumer not linked to its store yet, trying again")
	}
}

func (g *storeGuard) store(lacks uint64) stream.Store {
	return stream.Store{ID: g.own.ID, Place: g.place.Where(), Lacks: lacks}
}

// ready returns the reason of a refusal. An unopened warehouse is no reason: a worker is
// ready when it reaches the stream (docs/adr/0004-readiness.md).
func (g *storeGuard) ready() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.refusal
}

// fails notes the result of an opening or a writing, except when ctx ends it.
func (g *storeGuard) fails(ctx context.Context, err error) {
	if err == nil || ctx.Err() == nil {
		g.setFailure(err)
	}
}

func (g *storeGuard) setFailure(err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.failure = err
}

// problem returns why the warehouse gets no rows, as far as this worker knows.
func (g *storeGuard) problem() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return cmp.Or(g.refusal, g.failure)
}

// isOpen reports whether the warehouse was opened since the start.
func (g *storeGuard) isOpen() bool {
	select {
	case <-g.known:
		return true
	default:
		return false
	}
}

// gauge returns the instrument of the guard.
func (g *storeGuard) gauge() prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name:        "cioevents_warehouse_refused",
		Help:        "1 while this worker fetches nothing for the consumer, because the consumer fills another store.",
		ConstLabels: prometheus.Labels{"consumer": g.place.Consumer},
	}, func() float64 {
		if g.ready() != nil {
			return 1
		}
		return 0
	})
}

func (g *storeGuard) isLinked() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.linked
}

func (g *storeGuard) set(linked bool, refusal error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.linked, g.refusal = linked, refusal
}

// guardPause is how long a fetch waits while the consumer is not linked.
const guardPause = 100 * time.Millisecond

// guarded is a source that is empty while the guard's consumer is not linked.
type guarded struct {
	worker.Source
	guard *storeGuard
}

// Fetch implements worker.Source.
func (s guarded) Fetch(ctx context.Context, l event.Limits) ([]event.Attempt, error) {
	if !s.guard.isLinked() || s.guard.erased.Ready() != nil {
		pause(ctx, guardPause)
		return nil, ctx.Err()
	}
	attempts, err := s.Source.Fetch(ctx, l)
	if s.guard.isLinked() {
		return attempts, err
	}
	for i := range attempts { // another store was linked during the fetch
		_ = attempts[i].Settle.Retry(time.Second)
	}
	return nil, ctx.Err()
}

// withStores returns ready, which also fails while a consumer of this worker fills
// another store.
func (a *App) withStores(ready func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		if err := ready(ctx); err != nil {
			return err
		}
		for _, g := range a.stores {
			if err := errors.Join(g.ready(), g.erased.Ready()); err != nil {
				return fmt.Errorf("consumer %s: %w", g.place.Consumer, err)
			}
		}
		return nil
	}
}

// runLinked is runJob, with the guard of the job's store.
func (a *App) runLinked(ctx context.Context, j job) {
	if j.store != nil {
		j.store.begin(ctx)
		var checking sync.WaitGroup
		checking.Go(func() { j.store.run(ctx) })
		defer checking.Wait()
	}
	a.runJob(ctx, j)
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
