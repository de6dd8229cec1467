package workerapp

import (
	"context"
	"fmt"

	"github.com/cioevents/cioevents/internal/customerio"
	"github.com/cioevents/cioevents/internal/names"
)

// A keeper keeps the names of a workspace in the warehouse of a guard.
type keeper struct {
	names.Keeper

	guard *storeGuard
}

// wireNames adds a keeper for each warehouse and each workspace with an App API key.
func (a *App) wireNames() error {
	metrics := names.NewMetrics(a.Registry, a.workspaces()...)
	a.cfg.App.Region = a.cfg.Track.Region
	for _, w := range a.cfg.Workspaces.All() {
		if w.AppKey == "" {
			continue
		}
		own, err := a.cfg.App.For(w, &a.cfg.Workspaces)
		if err != nil {
			return err
		}
		app, err := customerio.NewApp(own)
		if err != nil {
			return fmt.Errorf("workspace %s: %w", w.Name, err)
		}
		for _, g := range a.stores {
			a.keepers = append(a.keepers, keeper{names.Keeper{
				Workspace: w.Name, App: app, Place: g.place, State: a.Conn.State(), Metrics: metrics, Log: g.log,
			}, g})
		}
	}
	return nil
}

// run keeps the names after the opening of the warehouse until ctx ends.
func (k keeper) run(ctx context.Context) {
	select {
	case <-k.guard.known:
		k.Store = k.guard.opened
		k.Run(ctx)
	case <-ctx.Done():
	}
}
