package workerapp

import (
	"context"
	"strings"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/stream"
)

// isEffects reports whether a consumer calls the Track API. A consumer with irreversible
// effects never starts over by itself: docs/adr/0008-floors.md.
func isEffects(consumer string) bool {
	kind, _, _ := strings.Cut(consumer, "-")
	return kind == Suppression || kind == Engagement
}

// effectsConsumers returns the names of the effects consumers of all workspaces,
// including consumers of other workers: workers start apart.
func (a *App) effectsConsumers() (names []string) {
	for _, w := range a.cfg.Workspaces.All() {
		names = append(names, consumerOf(Suppression, w.Name), consumerOf(Engagement, w.Name))
	}
	return names
}

// consumerOf returns the name of a workspace's consumer.
func consumerOf(kind, workspace string) string {
	if workspace == config.DefaultWorkspace {
		return kind
	}
	return kind + "-" + workspace
}

func (a *App) prepareState(ctx context.Context) error {
	return a.Conn.PrepareState(ctx, a.cfg.Stream, a.effectsConsumers(), isEffects)
}

// wireSources gives each job its consumer, and registers the consumer's instrument.
func (a *App) wireSources() {
	for i := range a.jobs {
		j := &a.jobs[i]
		j.source = a.Conn.NewDurable(a.sourceOf(j.name, j.subjects))
		a.Registry.MustRegister(j.source.Gauge())
	}
}

func (a *App) sourceOf(consumer string, subjects []string) stream.DurableConfig {
	return stream.DurableConfig{
		Name: consumer, Subjects: subjects, KeepFloor: isEffects(consumer), Prepare: a.prepareState, MaxAckPending: a.cfg.MaxAckPending,
	}
}
