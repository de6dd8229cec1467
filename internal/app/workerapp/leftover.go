package workerapp

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/cioevents/cioevents/internal/config"
)

// sayLeftovers warns of consumers of workspaces that are not configured: what
// waits there waits for nobody. They are left behind when workspaces are given
// names, or one is taken out. They are not deleted, as another worker may serve
// them, and what is deleted cannot be gone on with.
func (a *App) sayLeftovers(ctx context.Context) {
	if !a.cfg.NeedsTrack() {
		return
	}
	status, err := a.Conn.Status(ctx)
	if err != nil {
		a.Log.Warn().Err(err).Msg("consumers cannot be listed, so those left over are not known")
		return
	}
	for _, c := range status.Consumers {
		if a.isLeftover(c.Name) {
			a.Log.Warn().Str("consumer", c.Name).Uint64("waiting", c.Lag).
				Msg("there is a consumer of a workspace that is not configured: configure the workspace, or delete the consumer if its events are no longer wanted")
		}
	}
}

func (a *App) isLeftover(consumer string) bool {
	kind, suffix, _ := strings.Cut(consumer, "-")
	workspace := cmp.Or(suffix, config.DefaultWorkspace)
	return (kind == Suppression || kind == Engagement) &&
		!slices.ContainsFunc(a.cfg.Workspaces.All(), func(w config.Workspace) bool { return w.Name == workspace })
}
