package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/terminal"
	"github.com/cioevents/cioevents/internal/warehouse"
)

// queryOptions has the flags of query.
type queryOptions struct {
	output
	wait, timeout time.Duration
}

// Declare adds the flags of the output to the set.
func (o *queryOptions) Declare(s *config.Set) {
	s.Flags().StringVar(&o.format, "output", "table", "table for people; json, jsonl (an object a line) or csv for programs")
	s.Check(func() error { return config.OneOf("--output", o.format, formats...) })
	o.declareRaw(s)
}

func (c *cli) query() *cobra.Command {
	var list warehouseSetting
	o := queryOptions{output: output{rawTo: c.out}}
	cmd := &cobra.Command{
		Use:   "query SQL",
		Short: "Run a query on the warehouse, even while a worker writes to it",
		Long: "query runs one statement that reads a DuckDB file or a Parquet folder, such as SELECT,\n" +
			"FROM, DESCRIBE or SHOW TABLES. It changes nothing and reads no other files. The table is\n" +
			"customerio_events; the views are customerio_deliveries, customerio_messages,\n" +
			"customerio_daily, customerio_activity_daily, customerio_time_to_open,\n" +
			"customerio_links, customerio_bounces, customerio_preferences and\n" +
			"customerio_pipeline_latency. Each view has a function of two days, such as\n" +
			"customerio_messages_between('2026-11-01', '2026-11-30'). For the columns of one:\n" +
			"DESCRIBE customerio_events. SHOW TABLES lists them all.\n\n" +
			"Rows are printed as they arrive. Meanwhile a worker waits for a DuckDB file, for\n" +
			"--timeout at most.",
		Example: "  cioctl query \"FROM customerio_messages\"\n" +
			"  cioctl query --output csv \"FROM customerio_events WHERE metric = 'bounced'\" > bounces.csv",
		Args: one("one SQL statement, in quotes"),
	}
	cmd.Flags().Var(config.Span(&o.wait, 30*time.Second), "wait", "how long to wait until a worker hands over the file")
	cmd.Flags().Var(config.Span(&o.timeout, time.Minute), "timeout", "how long the query and the printing may take")
	return c.command(cmd, func(ctx context.Context, args []string) error {
		return c.runQuery(ctx, &list, &o, args[0])
	}, &list, &o)
}

func (c *cli) runQuery(ctx context.Context, list *warehouseSetting, o *queryOptions, statement string) (err error) {
	r, _, err := list.openWithin(ctx, o.wait)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	ctx, cancel := withTimeout(ctx, o.timeout)
	defer cancel()
	rows, err := r.Query(ctx, statement)
	if err != nil {
		return err
	}
	// By default, the end of a pipe's reader such as head would end the process without
	// a Close, which removes temporary files.
	signal.Ignore(syscall.SIGPIPE)
	if err = c.printRows(rows, &o.output); errors.Is(err, syscall.EPIPE) {
		return nil
	}
	return err
}

// withTimeout bounds queries by the flag --timeout.
func withTimeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, d, fmt.Errorf("not finished within --timeout %s", d))
}

// printRows prints the rows as they arrive.
func (c *cli) printRows(rows *warehouse.Rows, o *output) error {
	w := bufio.NewWriter(c.out)
	p := o.printer(w, rows.Columns, terminal.Is(c.out))
	if err := p.begin(); err != nil {
		return err
	}
	for row, err := range rows.Each {
		if err == nil {
			err = p.row(row)
		}
		if err != nil {
			return errors.Join(err, w.Flush())
		}
	}
	return errors.Join(p.end(), w.Flush())
}
