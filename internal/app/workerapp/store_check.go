package workerapp

import (
	"context"
	"fmt"
	"time"

	"github.com/cioevents/cioevents/internal/stream"
)

// NATS has no conditional update of a consumer. Workers therefore claim a consumer
// without a store in three steps, and exactly one worker wins.
//
//  1. The worker waits for vacancy. A worker of an older version removes the metadata
//     when it starts. The present owner of the consumer then restores the link within
//     storeCheck, before another worker can claim the consumer.
//  2. The worker reads and writes the link within claimTimeout.
//  3. The worker waits for claimSettle and reads the link again. By then all rivals have
//     written, and the last writer has won.
const (
	storeCheck   = 2 * time.Second
	vacancy      = 2 * storeCheck
	claimTimeout = time.Second
	claimSettle  = 2 * claimTimeout
)

// run checks the link until ctx ends.
func (g *storeGuard) run(ctx context.Context) {
	select {
	case <-g.known:
	case <-ctx.Done():
	}
	for ctx.Err() == nil {
		if g.identify(ctx) {
			g.check(ctx)
		}
		pause(ctx, storeCheck)
	}
}

// check reads the link and decides. After an error, and while the consumer is missing,
// the last decision stays.
func (g *storeGuard) check(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, claimTimeout)
	defer cancel()
	link, err := g.conn.StoreLink(ctx, g.place.Consumer)
	if err != nil || !link.Exists {
		return // the consumer's own errors are logged, and the worker creates the consumer
	}
	switch link.Store.ID {
	case g.own.ID:
		g.accept(ctx, link)
	case "":
		g.claim(ctx, link)
	default:
		g.refuse(link.Store)
	}
}

func (g *storeGuard) accept(ctx context.Context, link stream.StoreLink) {
	g.vacantSince = time.Time{}
	if g.isLost() { // batches in hand wait until regain, and until warnOfGap has seen the store
		g.writing.Lock()
		defer g.writing.Unlock()
	}
	if time.Since(g.claimedAt) < claimSettle || !g.regain(ctx) {
		return
	}
	if !g.isLinked() {
		g.log.Info().Str("store", g.own.ID).Str("place", link.Store.Place).Msg("consumer fills this warehouse")
	}
	g.warnOfGap(ctx, link) // before the first fetch moves the consumer's floor
	g.set(true, nil)
}

func (g *storeGuard) claim(ctx context.Context, link stream.StoreLink) {
	if g.vacantSince.IsZero() {
		g.vacantSince = time.Now()
	}
	linked := g.isLinked()
	if !linked && time.Since(g.vacantSince) < vacancy || g.isLost() {
		return
	}
	if err := g.conn.SetStore(ctx, g.place.Consumer, g.store(link.Store.Lacks)); err != nil {
		g.log.Warn().Err(err).Msg("consumer not linked to its store yet, trying again")
		return
	}
	if !linked {
		g.claimedAt = time.Now()
	}
}

func (g *storeGuard) refuse(other stream.Store) {
	g.vacantSince, g.claimedAt, g.warned = time.Time{}, time.Time{}, false
	name := g.place.Consumer
	err := fmt.Errorf("fills another store, %s, and not %s: if the warehouse has moved, run cioctl warehouse adopt --consumer %s; to fill both, give this worker both in WAREHOUSE_URL",
		other.Place, g.place.Where(), name)
	if other.Place == g.place.Where() {
		err = fmt.Errorf("fills another store, which was at %s before the present one: if somebody has created the warehouse again, run cioctl warehouse adopt --consumer %s, and then cioctl replay start --to %s",
			other.Place, name, name)
	}
	if before := g.ready(); before == nil || before.Error() != err.Error() {
		g.log.Error().Str("store", g.own.ID).Str("linked_store", other.ID).
			Msg("consumer " + err.Error() + ". Until then this worker fetches nothing for the warehouse")
	}
	g.set(false, err)
}

// warnOfGap notes an empty store behind a consumer with a history, once.
func (g *storeGuard) warnOfGap(ctx context.Context, link stream.StoreLink) {
	if g.warned {
		return
	}
	lacks := link.Store.Lacks
	if link.Settled > lacks && g.isEmpty(ctx) {
		lacks = link.Settled
		if err := g.conn.SetStore(ctx, g.place.Consumer, g.store(lacks)); err != nil {
			return // the next check tries again
		}
	}
	g.warned = true
	if lacks > 0 {
		g.log.Warn().Uint64("up_to", lacks).
			Msg("the warehouse was empty, and its consumer had handled events before: to fill the warehouse, run cioctl replay start --to " + g.place.Consumer)
	}
}

// isEmpty reads a store again after it was empty at its opening: an operator may have
// copied events into the store before the adoption.
func (g *storeGuard) isEmpty(ctx context.Context) bool {
	if !g.own.Empty {
		return false
	}
	store, err := g.sink.Store(ctx)
	return err == nil && store.Empty
}

// fillGap removes the note of a gap after a replay of all events.
func (a *App) fillGap(ctx context.Context, r *stream.Replay) {
	link, err := a.Conn.StoreLink(ctx, r.Target)
	if err != nil || link.Store.Lacks == 0 || r.End < link.Store.Lacks || !r.Since.IsZero() || r.Filter != "" {
		return
	}
	link.Store.Lacks = 0
	if err := a.Conn.SetStore(ctx, r.Target, link.Store); err != nil {
		a.Log.Warn().Err(err).Str("consumer", r.Target).Msg("note about missing events not removed")
	}
}
