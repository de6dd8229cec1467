package workerapp

import (
	"context"
	"errors"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/place"
)

// A watchedSink tells the guard the result of each writing, and when somebody has replaced
// the store. After a loss nothing is written before regain has succeeded: regain opens the
// sink before regain knows whether the store there is the adopted one.
type watchedSink struct {
	place.Sink
	guard *storeGuard
}

// Write implements warehouse.Sink.
func (s watchedSink) Write(ctx context.Context, rows []warehouse.Row) (result warehouse.Result, err error) {
	err = s.watch(ctx, func() error {
		result, err = s.Sink.Write(ctx, rows)
		return err
	})
	return result, err
}

// Stage implements warehouse.Stager, whether the sink does or not.
func (s watchedSink) Stage(ctx context.Context, rows []warehouse.Row) (result warehouse.Result, group *warehouse.Group, err error) {
	stager, ok := s.Sink.(warehouse.Stager)
	if !ok {
		result, err = s.Write(ctx, rows)
		return result, nil, err
	}
	err = s.watch(ctx, func() error {
		result, group, err = stager.Stage(ctx, rows)
		return err
	})
	return result, group, err
}

func (s watchedSink) watch(ctx context.Context, write func() error) error {
	s.guard.writing.RLock() // a batch that has passed loss is written before regain, or fails
	defer s.guard.writing.RUnlock()
	if err := s.guard.loss(); err != nil {
		return err
	}
	err := write()
	s.guard.fails(ctx, err)
	if errors.Is(err, warehouse.ErrRecreated) {
		s.guard.lose(err)
	}
	return err
}

// lose stops fetches. A batch in hand is retried, and watchedSink refuses the batch until
// regain. The new store has another id than the consumer, so an operator has to adopt
// the store. operate.PlanAdoption waits until rows reach the store.
func (g *storeGuard) lose(err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.lost != nil {
		return
	}
	g.lost, g.linked, g.refusal = err, false, err
	g.log.Error().Err(err).Msg("warehouse lost: until somebody runs cioctl warehouse adopt, this worker fetches and acknowledges nothing for the warehouse")
}

// loss returns the error of the writing that met another store, nil without a loss.
func (g *storeGuard) loss() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.lost
}

func (g *storeGuard) isLost() bool { return g.loss() != nil }

// identify reads the id of the new store after a loss, through a sink of its own: the
// guard's sink still refuses the new store. identify reports whether own is up to date.
func (g *storeGuard) identify(ctx context.Context) bool {
	if !g.isLost() || g.identified {
		return true
	}
	store, err := g.place.Store(ctx)
	if err != nil {
		if ctx.Err() == nil {
			g.log.Warn().Err(err).Msg("new warehouse not open, trying again")
		}
		return false
	}
	g.own, g.identified = store, true
	return true
}

// regain lets the sink write to the new store, unless the store was replaced once more.
func (g *storeGuard) regain(ctx context.Context) bool {
	if !g.isLost() {
		return true
	}
	g.identified = false
	if err := g.sink.Close(); err != nil {
		g.log.Warn().Err(err).Msg("warehouse not closed")
	}
	store, err := g.sink.Store(ctx)
	if err != nil || store.ID != g.own.ID {
		return false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.lost = nil
	return true
}
