package main

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/cioevents/cioevents/internal/config"
)

func (c *cli) query() *cobra.Command {
	var o output
	var list warehouseSetting
	var wait time.Duration
	cmd := &cobra.Command{
		Use:     "query SQL",
		Short:   "Run a query on the warehouse, even while a worker writes to it",
		Long:    "query runs one read-only statement on a DuckDB file or a Parquet folder. The table is\ncustomerio_events; the views are customerio_deliveries, customerio_campaign_funnel,\ncustomerio_campaign_daily, customerio_time_to_open, customerio_bounces,\ncustomerio_link_clicks and customerio_pipeline_latency.",
		Example: `  cioctl query "FROM customerio_campaign_funnel"`,
		Args:    one("one SQL statement, in quotes"),
	}
	cmd.Flags().Var(config.Span(&wait, 30*time.Second), "wait", "how long to wait until a worker hands over the file")
	return c.command(cmd, func(ctx context.Context, args []string) error {
		ctx, cancel := context.WithTimeout(ctx, wait)
		defer cancel()
		r, _, err := list.open(ctx)
		if err != nil {
			return err
		}
		t, err := r.Query(ctx, args[0])
		if err := errors.Join(err, r.Close()); err != nil {
			return err
		}
		return o.print(c.out, t.Objects(), func(w io.Writer) {
			row(w, anySlice(t.Columns)...)
			for _, r := range t.Rows {
				row(w, r...)
			}
		})
	}, &list, &o)
}

func anySlice(names []string) []any {
	cells := make([]any, len(names))
	for i, n := range names {
		cells[i] = n
	}
	return cells
}
