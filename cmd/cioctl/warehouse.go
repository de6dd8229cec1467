package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/telemetry"
	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/place"
)

// A warehouseSetting is WAREHOUSE_URL, the setting of commands about warehouses.
type warehouseSetting struct {
	urls   []string
	places []place.Place // of urls; set by the check of the settings
}

// Declare adds the setting to the set.
func (w *warehouseSetting) Declare(s *config.Set) {
	w.urls = []string{place.DefaultURL}
	s.Var((*config.List)(&w.urls), place.Setting, "the warehouse: duckdb:FILE, parquet:DIR or bigquery://PROJECT/DATASET; several are comma-separated")
	s.Check(func() (err error) {
		w.places, err = place.ParseList(w.urls)
		return err
	})
}

// openWithin returns a reader of the first warehouse.
func (w *warehouseSetting) openWithin(ctx context.Context, wait time.Duration) (warehouse.Reader, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, wait, fmt.Errorf("not open within --wait %s", wait))
	defer cancel()
	return w.places[0].Reader(ctx)
}

func (c *cli) warehouse() *cobra.Command {
	return group("warehouse", "Create, compact and move the warehouse, and set its time zone",
		`A warehouse has a row for each event: a DuckDB file, a folder of Parquet files, or a
BigQuery table. WAREHOUSE_URL names it. A worker creates and fills the warehouse by
itself; these commands are for an upgrade, a folder with many files, and a move.

  cioctl warehouse migrate --backfill
  cioctl warehouse compact
  cioctl warehouse adopt
  cioctl warehouse settings --timezone America/New_York
  cioctl warehouse rollup
  cioctl warehouse privacy check`, c.migrate(), c.compact(), c.adopt(), c.warehouseSettings(), c.rollup(), c.warehousePrivacy())
}

// migrateOptions are the flags of migrate.
type migrateOptions struct {
	dry, backfill bool
	grace         time.Duration
}

func (c *cli) migrate() *cobra.Command {
	var list warehouseSetting
	var o migrateOptions
	cmd := &cobra.Command{
		Use:   "migrate",
		Short: "Create the table and the views, and add the columns of this version",
		Long: "migrate does what a worker does when it starts. You can repeat it, and workers of\n" +
			"other versions may run meanwhile. With --print, migrate only shows the SQL.\n\n" +
			"With --backfill, migrate also computes the new columns of older rows from their\n" +
			"payloads. Values that are there stay, and so do rows that were erased. Workers and\n" +
			"readers may run meanwhile. After an interruption, the next run completes the work.\n" +
			"Run it again when the last worker of the older version has stopped.\n\n" +
			"migrate waits for a worker that uses a DuckDB file. For BigQuery the account needs\n" +
			"roles/bigquery.dataEditor; --backfill prints a statement to run instead. With several\n" +
			"warehouses, the first failure ends migrate.",
		Example: "  cioctl warehouse migrate --warehouse-url bigquery://my-project/messaging --print\n" +
			"  cioctl warehouse migrate --warehouse-url parquet:/data/events --backfill",
	}
	cmd.Flags().BoolVar(&o.dry, "print", false, "show the SQL and change nothing")
	cmd.Flags().BoolVar(&o.backfill, "backfill", false, "compute the new columns of older rows")
	cmd.Flags().Var(config.Span(&o.grace, 30*time.Second), "grace", "how long files that --backfill replaces stay, for queries that read them")
	return c.command(cmd, func(ctx context.Context, _ []string) error {
		if o.dry && o.backfill {
			return &config.UsageError{Err: errors.New("--print and --backfill: want one of the two")}
		}
		for _, p := range list.places {
			if err := c.migrateOne(ctx, p, o); err != nil {
				return err
			}
		}
		return nil
	}, &list)
}

func (c *cli) migrateOne(ctx context.Context, p place.Place, o migrateOptions) error {
	if o.dry {
		for _, s := range p.Statements() {
			fmt.Fprintf(c.out, "%s;\n\n", strings.TrimRight(strings.TrimSpace(s), ";"))
		}
		return nil
	}
	p.Log = c.warnings()
	if err := p.Migrate(ctx); err != nil {
		return err
	}
	fmt.Fprintf(c.out, "%s is ready\n", p.URL)
	if !o.backfill {
		return nil
	}
	grace := o.grace
	if !p.ReplacesFiles() {
		grace = 0
	}
	progress, finish := c.progress(grace)
	done, err := p.Backfill(ctx, place.Backfilling{Grace: grace, Progress: progress})
	finish()
	if err == nil {
		printBackfilled(c.out, p.URL, done)
	}
	return err
}

// warnings returns a log that prints warnings for people.
func (c *cli) warnings() zerolog.Logger { return telemetry.NewLogger(c.err, "warn", "console") }

func printBackfilled(w io.Writer, url string, done place.Backfilled) {
	switch {
	case done.SQL != "":
		fmt.Fprintf(w, "-- %s\n%s\n", done.Note, done.SQL)
	case done.Note != "":
		fmt.Fprintf(w, "%s: %s\n", url, done.Note)
	default:
		fmt.Fprintf(w, "%s: backfilled %d rows, skipped %d that were erased or have no event as payload\n", url, done.Rows, done.Skipped)
	}
}
