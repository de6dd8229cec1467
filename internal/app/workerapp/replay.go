package workerapp

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// replayPoll is the pause between two looks at the list of replays. It is the
// time that one waits to begin, and that a finished one stays to be seen.
const replayPoll = 3 * time.Second

// A ReplayTarget is what a target of replays can make use of.
type ReplayTarget struct {
	// Metrics are empty for a warehouse, which takes all, and for a suppression,
	// whose rules are the worker's.
	Metrics []webhook.Metric
	// Workspace is that of the target, "" for a target of all workspaces.
	Workspace string
}

// ParseReplayTarget reads the name of a consumer.
func ParseReplayTarget(name string) (t ReplayTarget, ok bool) {
	kind, suffix, _ := strings.Cut(name, "-")
	switch kind {
	case Warehouse:
		return t, true
	case Suppression:
		return ReplayTarget{Workspace: suffix}, true
	case Engagement:
		return ReplayTarget{Workspace: suffix, Metrics: []webhook.Metric{webhook.Opened, webhook.Clicked}}, true
	default:
		return t, false
	}
}

// replays are the replays that this process serves: those to a consumer that it
// has itself. Their workers are found by no coordination but the list of
// consumers, so that any number of processes can come and go.
type replays struct {
	app *App
	// stops has a function for each one under way, which ends the work and waits
	// for that.
	stops map[string]func()
	// finished holds those that were seen finished once. They are deleted when
	// seen so again: whoever waits for them can see it, too.
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

// look starts, ends and deletes replays by the list of them.
func (r *replays) look(ctx context.Context) {
	look, cancel := context.WithTimeout(ctx, replayPoll)
	defer cancel()
	list, err := r.app.Conn.Replays(look)
	if err != nil {
		return // NATS is away, and the consumers say so
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
			continue // another worker's
		}
		if list[i].Done {
			r.finish(look, list[i].ID)
			continue
		}
		if r.stops[list[i].ID] == nil {
			r.start(ctx, &list[i], r.app.jobs[at])
		}
	}
}

// start works on a replay with the handler of its target.
func (r *replays) start(ctx context.Context, p *stream.Replay, j job) {
	log := r.app.Log.With().Str("replay", p.ID).Logger()
	source, err := r.app.Conn.OpenReplay(ctx, p)
	if err != nil {
		log.Warn().Err(err).Msg("replay cannot be opened, trying again")
		return
	}
	log.Info().Str("consumer", j.name).Uint64("events", p.Total).Msg("taking part in a replay")
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.app.consume(ctx, j, source, log)
	}()
	r.stops[p.ID] = func() {
		cancel()
		<-done
	}
}

func (r *replays) finish(ctx context.Context, id string) {
	if !r.finished[id] {
		r.finished[id] = true
		return
	}
	err := r.app.Conn.DeleteReplay(ctx, id)
	if err != nil && !errors.Is(err, stream.ErrNoReplay) { // another worker was faster
		r.app.Log.Warn().Err(err).Msg("finished replay cannot be deleted, trying again")
		return
	}
	delete(r.finished, id)
	r.app.Log.Info().Str("replay", id).Msg("replay is finished")
}
