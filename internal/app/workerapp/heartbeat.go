package workerapp

import (
	"cmp"
	"context"
	"crypto/rand"
	"slices"
	"strings"
	"time"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/operate"
	"github.com/cioevents/cioevents/internal/stream"
)

// firstBeats is the time between two heartbeats until the worker knows its consumers.
const firstBeats = time.Second

// readyWithin bounds the question whether the worker is ready.
const readyWithin = 3 * time.Second

// farewell bounds the deletion of the heartbeat, so that a worker without NATS stops soon.
const farewell = time.Second

// A heart makes the heartbeats of this worker.
type heart struct {
	app     *App
	worker  string
	started time.Time
	seen    bool                    // whether the last heartbeat has the consumers
	parts   map[string]operate.Part // of the last heartbeat, by kind and name
	day     mailDay
}

// newWorkerName returns a name for this process. The name of the host would be handy, but
// may be that of a person.
func newWorkerName() string { return strings.ToLower(rand.Text()[:10]) }

// sendBeats sends heartbeats until ctx ends, and then deletes the last one. A heartbeat
// that NATS does not take is lost: the next one says more.
func (a *App) sendBeats(ctx context.Context) {
	h := heart{app: a, worker: a.worker, started: time.Now().UTC(), parts: map[string]operate.Part{}}
	h.day.count(h.started, sumsOf(a.mail)) // from here on the day counts
	logged := ""
	for ctx.Err() == nil {
		err := operate.SendHeartbeat(ctx, a.Conn, h.beat(ctx))
		switch {
		case err == nil:
			logged = ""
		case err.Error() != logged && ctx.Err() == nil:
			logged = err.Error()
			a.Log.Warn().Err(err).Msg("heartbeat not stored, trying again")
		}
		every := cmp.Or(a.cfg.BeatEvery, operate.HeartbeatEvery)
		if !h.seen {
			every = min(every, firstBeats)
		}
		pause(ctx, every)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewell)
	defer cancel()
	_ = operate.EndHeartbeat(ctx, a.Conn, h.worker) // otherwise it ends by itself
}

// beat returns the present heartbeat.
func (h *heart) beat(ctx context.Context) *operate.Heartbeat {
	a := h.app
	b := &operate.Heartbeat{
		Worker: h.worker, Version: config.Version(), StartedAt: h.started, At: time.Now().UTC(),
		DryRun: a.cfg.NeedsTrack() && a.cfg.Effects.DryRun, Policies: a.policies(),
		Warehouses: []operate.Part{}, Track: []operate.Part{}, Consumers: []stream.SeenConsumer{},
	}
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	if err := a.withStores(a.ready)(ctx); err != nil {
		b.NotReady = err.Error()
	}
	var seen stream.Seen
	seen, h.seen = a.watch.Seen()
	b.Consumers, b.HeldSuppressions = append(b.Consumers, seen.Consumers...), seen.Held
	for _, g := range a.stores {
		b.Warehouses = append(b.Warehouses, h.since(g.part(seen.Consumers), b.At))
	}
	b.Mail = h.day.count(b.At, sumsOf(a.mail))
	for i, client := range a.clients {
		b.Track = append(b.Track, h.since(partOf(a.cfg.Workspaces.All()[i].Name, client.Down()), b.At))
	}
	return b
}

// part returns the state of the warehouse. Without events that wait, a failed writing is
// over: another worker may have written the rows.
func (g *storeGuard) part(consumers []stream.SeenConsumer) operate.Part {
	i := slices.IndexFunc(consumers, func(c stream.SeenConsumer) bool { return c.Name == g.place.Consumer })
	if g.isOpen() && i >= 0 && consumers[i].Lag == 0 {
		g.setFailure(nil)
	}
	p := partOf(g.place.Consumer, g.problem())
	p.Place = g.place.Where()
	if p.State == operate.PartOK && !g.isOpen() {
		p.State = operate.PartStarting
	}
	return p
}

func partOf(name string, problem error) operate.Part {
	if problem == nil {
		return operate.Part{Name: name, State: operate.PartOK}
	}
	return operate.Part{Name: name, State: operate.PartDown, Reason: problem.Error()}
}

// since adds the time since which the part has its state. Only a warehouse has a place, so
// a warehouse and a workspace of the same name differ.
func (h *heart) since(p operate.Part, now time.Time) operate.Part {
	key := p.Place + " " + p.Name
	p.Since = now
	if before, known := h.parts[key]; known && before.State == p.State {
		p.Since = before.Since
	}
	h.parts[key] = p
	return p
}

// policies returns the policies of the workspaces, none without the consumer that applies
// them.
func (a *App) policies() []operate.WorkspacePolicy {
	list := []operate.WorkspacePolicy{}
	if !slices.Contains(a.cfg.Consumers, Suppression) {
		return list
	}
	for _, w := range a.cfg.Workspaces.All() {
		p := a.cfg.Effects.policies[w.Name]
		list = append(list, operate.WorkspacePolicy{
			Workspace: w.Name, SuppressionMode: string(p.Mode), SuppressUnknown: p.SuppressUnknown,
			SuppressionLimit: a.cfg.Effects.Limit, Effects: p.source, EffectsSHA256: p.digest,
		})
	}
	return list
}
