package workerapp

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/cioevents/cioevents/internal/stream"
)

// replayPoll is the interval at which the list of replays is read. A new replay
// starts within this time; a finished replay stays listed this long.
const replayPoll = 3 * time.Second

// replays are the replays that this process serves: all replays to the consumers of
// this process. The list of consumers in NATS is the only coordination, so any
// number of processes can come and go.
type replays struct {
	app *App
	// stops has a function for each running replay, by id. The function ends the
	// replay here and waits for the end.
	stops map[string]func()
	// finished holds the ids of replays seen finished once. A replay is deleted
	// when seen finished again: until then a waiting cioctl sees the end, too.
	finished map[string]bool
}

// serveReplays takes part in replays until ctx ends.
func (a *App) serveReplays(ctx context.Context) {
	r := &replays{app: a, stops: map[string]func(){}, finished: map[string]bool{}}
	t := time.NewTicker(replayPoll)
	defer t.Stop()
	for {
		r.look(ctx)
		select {
		case <-t.C:
		case <-ctx.Done():
			for _, stop := range r.stops {
				stop()
			}
			return
		}
	}
}

// look reads the list of replays, and starts, ends and deletes replays
// accordingly.
func (r *replays) look(ctx context.Context) {
	look, cancel := context.WithTimeout(ctx, replayPoll)
	defer cancel()
	list, err := r.app.Conn.Replays(look)
	if err != nil {
		return // NATS is unreachable; the consumers log the error
	}
	for id, stop := range r.stops {
		if !slices.ContainsFunc(list, func(p stream.Replay) bool { return p.ID == id && !p.Done }) {
			stop()
			delete(r.stops, id)
		}
	}
	for i := range list {
		at := slices.IndexFunc(r.app.jobs, func(j job) bool { return j.name == list[i].Target })
		if at < 0 {
			continue // the replay of another worker
		}
		if list[i].Done {
			r.finish(look, &list[i])
			continue
		}
		if r.stops[list[i].ID] == nil {
			r.start(ctx, &list[i], r.app.jobs[at])
		}
	}
}

// start handles the events of a replay with the handler of its target.
func (r *replays) start(ctx context.Context, p *stream.Replay, j job) {
	log := r.app.Log.With().Str("replay", p.ID).Logger()
	source, err := r.app.Conn.OpenReplay(ctx, p)
	if err != nil {
		log.Warn().Err(err).Msg("replay not opened, trying again")
		return
	}
	log.Info().Str("consumer", j.name).Uint64("events", p.Total).Msg("replay joined")
	ctx, cancel := context.WithCancel(ctx)
	var consuming sync.WaitGroup
	consuming.Go(func() { r.app.consume(ctx, j, source, log) })
	r.stops[p.ID] = func() {
		cancel()
		consuming.Wait()
	}
}

func (r *replays) finish(ctx context.Context, p *stream.Replay) {
	id := p.ID
	if !r.finished[id] {
		r.finished[id] = true
		return
	}
	err := r.app.Conn.DeleteReplay(ctx, id)
	if err != nil && !errors.Is(err, stream.ErrNoReplay) { // another worker was faster
		r.app.Log.Warn().Err(err).Msg("finished replay not deleted, trying again")
		return
	}
	delete(r.finished, id)
	r.app.fillGap(ctx, p)
	r.app.Log.Info().Str("replay", id).Msg("replay finished")
}
