package main

import (
	"context"
	"fmt"
	"io"
	"time"
	_ "time/tzdata" // the images have no time zones

	"github.com/spf13/cobra"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/names"
	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/place"
)

// warehouseSettings are the settings of a warehouse, as printed.
type warehouseSettings struct {
	Warehouse string `json:"warehouse"`
	Timezone  string `json:"timezone"`
}

func (c *cli) warehouseSettings() *cobra.Command {
	var list warehouseSetting
	var o output
	var zone string
	var wait time.Duration
	cmd := &cobra.Command{
		Use:   "settings",
		Short: "Show or set the time zone in which days begin",
		Long: `settings shows the settings that all readers of a warehouse share, which are in the
table customerio_settings. --timezone sets the time zone in which the days of the
views begin, at once and for all days. Take the time zone of your Customer.io account
to compare days with its pages; the pages of newsletters always use Eastern time.

A worker that uses a DuckDB file hands it over after a batch. Other programs, such as
DuckDB's shell, have to close the file within --wait.`,
		Example: "  cioctl warehouse settings\n  cioctl warehouse settings --timezone America/New_York",
	}
	cmd.Flags().StringVar(&zone, "timezone", "", "IANA name of the new time zone, such as Europe/Berlin or UTC")
	cmd.Flags().Var(config.Span(&wait, 30*time.Second), "wait", "how long to wait until another process hands over the file")
	return c.command(cmd, func(ctx context.Context, _ []string) error {
		all := []warehouseSettings{}
		err := c.eachPlace(ctx, list.places, wait, func(ctx context.Context, p place.Place) error {
			now, err := settingsOf(ctx, p, zone)
			all = append(all, now)
			return err
		})
		if err != nil {
			return err
		}
		return o.print(c.out, all, func(w io.Writer) { settingsTable(w, all) })
	}, &list, &o, check(func() error { return checkTimezone(zone) }))
}

// eachPlace calls do with each warehouse, and waits for other processes that have the file,
// each time until wait has passed. The error names the warehouse.
func (c *cli) eachPlace(ctx context.Context, places []place.Place, wait time.Duration, do func(context.Context, place.Place) error) error {
	one := func(p place.Place) error {
		p.Log = c.warnings()
		ctx, cancel := context.WithTimeoutCause(ctx, wait, fmt.Errorf("not free within --wait %s", wait))
		defer cancel()
		return do(ctx, p)
	}
	for _, p := range places {
		if err := one(p); err != nil {
			return fmt.Errorf("%s: %w", config.Redact(p.URL), err)
		}
	}
	return nil
}

// checkTimezone accepts IANA names. Local is no name for other programs.
func checkTimezone(name string) error {
	if _, err := time.LoadLocation(name); err != nil || name == "Local" {
		return config.Invalid("--timezone", name, "an IANA name such as America/New_York or UTC")
	}
	return nil
}

// settingsOf sets the time zone unless zone is "", and returns the settings.
func settingsOf(ctx context.Context, p place.Place, zone string) (s warehouseSettings, err error) {
	s.Warehouse = config.Redact(p.URL)
	err = names.WithNotes(ctx, p, func(notes warehouse.Notes) error {
		if zone != "" {
			if err := notes.SetTimezone(ctx, zone); err != nil {
				return err
			}
		}
		s.Timezone, err = notes.Timezone(ctx)
		return err
	})
	return s, err
}

func settingsTable(w io.Writer, all []warehouseSettings) {
	row(w, "WAREHOUSE", "TIME ZONE")
	for _, s := range all {
		row(w, s.Warehouse, s.Timezone)
	}
}
