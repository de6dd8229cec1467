package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/report"
	"github.com/cioevents/cioevents/internal/terminal"
	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/place"
)

// rollupOptions has the flags of rollup.
type rollupOptions struct {
	days         int
	since, until string
	dry          bool
	timeout      time.Duration
}

func (c *cli) rollup() *cobra.Command {
	var list warehouseSetting
	var out output
	var o rollupOptions
	cmd := &cobra.Command{
		Use:   "rollup",
		Short: "Count the last days into a small table, for dashboards",
		Long: `rollup counts the deliveries of the last days by day, message and mailbox provider, and
stores the counts in the table customerio_rollup_daily. A dashboard that reads the
table costs next to nothing, while each query of a view reads the events again. On
BigQuery a run itself reads the events of 34 days.

rollup replaces the days in one step, so run it every hour: the component
deploy/k8s/components/rollup does so for BigQuery. Counts of older days stay as they
are, and an open after --days days is in the views only. Fill the table once with
--since.

Days begin in the time zone of the warehouse. Fill the table again when you have changed
the time zone.

For BigQuery the account needs roles/bigquery.dataEditor on the dataset and
roles/bigquery.jobUser on the project. --dry-run prints the bytes that rollup reads and
the list price. BigQuery refuses more than 10 GiB, or more than max_bytes_billed in
--warehouse-url. A worker that uses a DuckDB file hands it over after a batch, and waits
until rollup has finished.`,
		Example: "  cioctl warehouse rollup --since 2026-01-01    # once\n  cioctl warehouse rollup                       # every hour",
	}
	cmd.Flags().Var(config.Above0(&o.days, 3), "days", "number of days, including today")
	cmd.Flags().StringVar(&o.since, "since", "", "first day, such as 2026-11-24 or -30d, instead of --days")
	cmd.Flags().StringVar(&o.until, "until", "", "last day, such as 2026-11-24 or -1d; default today")
	cmd.Flags().BoolVar(&o.dry, "dry-run", false, "print what the rollup would cost on BigQuery, and change nothing")
	cmd.Flags().Var(config.Span(&o.timeout, 10*time.Minute), "timeout", "how long the rollup of a warehouse may take, with the wait for the file")
	return c.command(cmd, func(ctx context.Context, _ []string) error {
		all := []rolledUp{}
		for _, p := range list.places {
			done, err := c.rollUp(ctx, p, &o)
			if err != nil {
				return fmt.Errorf("%s: %w", config.Redact(p.URL), err)
			}
			all = append(all, rolledUp{config.Redact(p.URL), done})
		}
		return out.print(c.out, all, func(w io.Writer) { rollupTable(w, all, o.dry) })
	}, &list, &out, exclusive("days", "since"), check(func() error { return o.check(list.places) }))
}

// check reports days that nobody can mean, and a dry run of a warehouse that costs nothing.
func (o *rollupOptions) check(places []place.Place) error {
	if err := checkDays(o.since, o.until); err != nil {
		return err
	}
	for _, p := range places {
		if o.dry && !p.Charges() {
			return fmt.Errorf("--dry-run: %s costs nothing: want bigquery://PROJECT/DATASET", p.Scheme)
		}
	}
	return nil
}

// between returns the days that the flags mean.
func (o *rollupOptions) between(today time.Time) (warehouse.Days, error) {
	days := warehouse.Days{Last: today}
	var lastErr, firstErr error
	if o.until != "" {
		days.Last, lastErr = dayOf(o.until, today)
	}
	days.First = days.Last.AddDate(0, 0, 1-o.days)
	if o.since != "" {
		days.First, firstErr = dayOf(o.since, today)
	}
	if days.Last.Before(days.First) {
		return days, &config.UsageError{Err: errors.New("--until is before --since")}
	}
	return days, errors.Join(lastErr, firstErr)
}

func dayOf(text string, today time.Time) (time.Time, error) {
	day, err := report.ParseDay(text, today)
	if err != nil {
		return time.Time{}, err
	}
	return time.Parse(time.DateOnly, day)
}

// rolledUp is the result of rollup for one warehouse.
type rolledUp struct {
	Warehouse string `json:"warehouse"`
	place.RolledUp
}

// rollUp shows how long the rollup has been running, and what it costs.
func (c *cli) rollUp(ctx context.Context, p place.Place, o *rollupOptions) (place.RolledUp, error) {
	ctx, cancel := withTimeout(ctx, o.timeout)
	defer cancel()
	p.Log = c.warnings()
	finish := c.waiting(p.Scheme)
	defer func() { finish() }() //nolint:gocritic // the last of two
	return p.Rollup(ctx, place.Rolling{Now: time.Now(), Days: o.between, Before: func(e warehouse.Estimate) bool {
		if o.dry || !terminal.Is(c.err) {
			return !o.dry
		}
		finish()
		c.tellf("the rollup reads %s at most", e)
		finish = c.waiting(p.Scheme)
		return true
	}})
}

func rollupTable(w io.Writer, all []rolledUp, dry bool) {
	row(w, "WAREHOUSE", "FIRST DAY", "LAST DAY", "ROWS", "READS AT MOST")
	for _, r := range all {
		cost := "-"
		if r.Estimate != nil {
			cost = r.String()
		}
		row(w, r.Warehouse, r.First, r.Last, r.Rows, cost)
	}
	if dry {
		sayf(w, "nothing was changed: run it again without --dry-run")
	}
}
