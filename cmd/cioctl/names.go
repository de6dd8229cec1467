package main

import (
	"context"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/names"
	"github.com/cioevents/cioevents/internal/operate"
	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/place"
)

func (c *cli) names() *cobra.Command {
	return group("names", "Keep the names of campaigns and messages in the warehouse",
		`Events have the numbers of campaigns and messages, and no names. names sync asks
Customer.io's App API for the names and stores them in customerio_names, which the views
use. A worker with CUSTOMERIO_APP_API_KEY does so every day by itself.

  cioctl names sync`, c.namesSync())
}

// A namesOrder has the flags of names sync.
type namesOrder struct {
	dry  bool
	wait time.Duration
}

func (c *cli) namesSync() *cobra.Command {
	var app appSetting
	var list warehouseSetting
	var o output
	var order namesOrder
	cmd := &cobra.Command{
		Use:   "sync",
		Short: "Ask Customer.io for the names, and store new and changed names",
		Long: `sync reads the names of campaigns (automations), broadcasts, newsletters (one-time
sends), transactional messages, actions and variants of a workspace, and stores new and
changed names in each warehouse. A name that Customer.io does not list any more stays,
because old messages keep their name.

sync makes a call for each campaign and broadcast, 5 a second (APP_API_RATE): 300
campaigns take a minute. A worker that uses a DuckDB file hands it over after a batch.
Other programs, such as DuckDB's shell, have to close the file within --wait. Run sync
for each of several workspaces.`,
		Example: "  cioctl names sync --dry-run\n  cioctl names sync --workspace acme --output json",
	}
	cmd.Flags().BoolVar(&order.dry, "dry-run", false, "only show what changes")
	cmd.Flags().Var(config.Span(&order.wait, 30*time.Second), "wait", "how long to wait until another process hands over the file")
	return c.command(cmd, func(ctx context.Context, _ []string) error {
		counts, err := c.syncNames(ctx, &app, list.places, order)
		if err != nil {
			return err
		}
		return o.print(c.out, counts, func(w io.Writer) { namesTable(w, counts, order.dry) })
	}, &app, &list, &o)
}

// A namesCount has the names of a source in a warehouse, actions and variants included.
type namesCount struct {
	Warehouse string `json:"warehouse"`
	Source    string `json:"source"`
	New       int    `json:"new"`
	Renamed   int    `json:"renamed"`
	Unchanged int    `json:"unchanged"`
}

func (c *cli) syncNames(ctx context.Context, app *appSetting, places []place.Place, order namesOrder) ([]namesCount, error) {
	api, err := app.open()
	if err != nil {
		return nil, err
	}
	bar, finish := c.bar(-1)
	list, err := names.List(ctx, api, bar.Increment)
	finish()
	if err != nil {
		return nil, err
	}
	var counts []namesCount
	err = c.eachPlace(ctx, places, order.wait, func(ctx context.Context, p place.Place) error {
		changes, err := names.Put(ctx, p, app.chosen.Name, list, order.dry)
		counts = append(counts, countNames(p.URL, list, changes)...)
		return err
	})
	return counts, err
}

// countNames counts the names of each source.
func countNames(url string, list []warehouse.Name, changes warehouse.NameChanges) []namesCount {
	counts := []namesCount{}
	for _, source := range operate.Sources {
		of := func(list []warehouse.Name) (n int) {
			for i := range list {
				if list[i].Source == source {
					n++
				}
			}
			return n
		}
		count := namesCount{Warehouse: config.Redact(url), Source: source, New: of(changes.New), Renamed: of(changes.Renamed)}
		count.Unchanged = of(list) - count.New - count.Renamed
		counts = append(counts, count)
	}
	return counts
}

func namesTable(w io.Writer, counts []namesCount, dry bool) {
	row(w, "WAREHOUSE", "SOURCE", "NEW", "RENAMED", "UNCHANGED")
	for _, n := range counts {
		row(w, n.Warehouse, n.Source, n.New, n.Renamed, n.Unchanged)
	}
	changed := slices.ContainsFunc(counts, func(n namesCount) bool { return n.New+n.Renamed > 0 })
	if dry && changed {
		sayf(w, "nothing was stored: run it again without --dry-run")
	}
}
