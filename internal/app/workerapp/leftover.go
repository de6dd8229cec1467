package workerapp

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/cioevents/cioevents/internal/config"
)

// warnOfLeftovers logs the consumers of workspaces that are not configured: nobody
// handles their events. A consumer is left over when workspaces are given names or
// a workspace is removed. Leftover consumers are kept: another worker may serve
// them, and a deleted consumer loses its position.
func (a *App) warnOfLeftovers(ctx context.Context) {
	if !a.cfg.NeedsTrack() {
		return
	}
	status, err := a.Conn.Status(ctx)
	if err != nil {
		a.Log.Warn().Err(err).Msg("consumers of removed workspaces not checked")
		return
	}
	for _, c := range status.Consumers {
		if a.isLeftover(c.Name) {
			a.Log.Warn().Str("consumer", c.Name).Uint64("waiting", c.Lag).
				Msg("consumer of a workspace that is not configured: configure the workspace, or delete the consumer if its events are no longer wanted")
		}
	}
}

func (a *App) isLeftover(consumer string) bool {
	_, suffix, _ := strings.Cut(consumer, "-")
	workspace := cmp.Or(suffix, config.DefaultWorkspace)
	return isEffects(consumer) &&
		!slices.ContainsFunc(a.cfg.Workspaces.All(), func(w config.Workspace) bool { return w.Name == workspace })
}
