package names

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/warehouse/place"
)

// The waits of a Keeper. A worker looks every hour whether a day has passed since any
// worker has stored the names, and tries again 10 minutes after a failure. Each wait is up
// to a tenth longer or shorter, so that workers do not stay in step.
const (
	keepFor   = 24 * time.Hour
	lookEvery = time.Hour
	retryWait = 10 * time.Minute
)

// keepTimeout bounds a listing with its writes: 5 calls a second list 9,000 sources.
const keepTimeout = 30 * time.Minute

// State is what a Keeper needs of stream.State.
type State interface {
	Create(ctx context.Context, key string, value []byte, ttl time.Duration) (revision uint64, err error)
	Delete(ctx context.Context, key string) error
}

// A Keeper keeps the names of a workspace in a warehouse, once a day. A key in the workers'
// bucket lets one worker do so for a warehouse: the key lives for a day, and is deleted
// after a failure. Two workers at once would do no harm.
type Keeper struct {
	Workspace string
	App       Lister
	Place     place.Place
	// Store is the id of the warehouse's store: see warehouse.Store.
	Store   string
	State   State
	Metrics *Metrics
	Log     zerolog.Logger
}

// Run keeps the names at once and every day until ctx ends.
func (k *Keeper) Run(ctx context.Context) {
	for ctx.Err() == nil {
		wait := lookEvery
		if err := k.keep(ctx); err != nil && ctx.Err() == nil {
			wait = retryWait
			k.Metrics.total.WithLabelValues(k.Workspace, outcomeFailed).Inc()
			k.Log.Warn().Err(err).Str("workspace", k.Workspace).Stringer("wait", wait).Msg("names of messages not stored, trying again")
		}
		select {
		case <-time.After(wait - wait/10 + rand.N(wait/5)):
		case <-ctx.Done():
		}
	}
}

// keep lists and stores the names unless a worker has stored them within keepFor.
func (k *Keeper) keep(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, keepTimeout)
	defer cancel()
	key := "names." + k.Workspace + "." + k.Store
	_, err := k.State.Create(ctx, key, []byte(time.Now().UTC().Format(time.RFC3339)), keepFor)
	if errors.Is(err, stream.ErrStateConflict) {
		return nil
	}
	if err == nil {
		if err = k.store(ctx); err != nil {
			// The next attempt of any worker claims the warehouse, also when this worker stops.
			err = errors.Join(err, k.State.Delete(context.WithoutCancel(ctx), key))
		}
	}
	return err
}

func (k *Keeper) store(ctx context.Context) error {
	list, err := List(ctx, k.App, nil)
	if err != nil {
		return err
	}
	changes, err := Put(ctx, k.Place, k.Workspace, list, false)
	if err != nil {
		return err
	}
	k.Metrics.total.WithLabelValues(k.Workspace, outcomeOK).Inc()
	k.Log.Info().Str("workspace", k.Workspace).Int("new", len(changes.New)).Int("renamed", len(changes.Renamed)).
		Int("unchanged", changes.Unchanged).Msg("names of messages stored")
	return nil
}

// Outcomes of an attempt to store the names.
const (
	outcomeOK     = "ok"
	outcomeFailed = "failed"
)

// Metrics are the instruments of Keepers.
type Metrics struct{ total *prometheus.CounterVec }

// NewMetrics registers the instruments with the series of the workspaces.
func NewMetrics(reg prometheus.Registerer, workspaces ...string) *Metrics {
	m := &Metrics{prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "cioevents_names_synced_total",
		Help: "Daily updates of customerio_names in a warehouse, by outcome: ok or failed.",
	}, []string{"workspace", "outcome"})}
	reg.MustRegister(m.total)
	for _, w := range workspaces {
		m.total.WithLabelValues(w, outcomeOK)
		m.total.WithLabelValues(w, outcomeFailed)
	}
	return m
}
