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
	dry           bool
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
		Long: "query runs one statement that reads the first warehouse of --warehouse-url. A DuckDB\n" +
			"file or a Parquet folder takes SELECT, FROM, DESCRIBE or SHOW TABLES, and BigQuery\n" +
			"a SELECT of GoogleSQL. It changes nothing and reads no other files. The table is\n" +
			"customerio_events; the views are customerio_deliveries, customerio_messages,\n" +
			"customerio_daily, customerio_activity_daily, customerio_time_to_open,\n" +
			"customerio_links, customerio_bounces, customerio_preferences and\n" +
			"customerio_pipeline_latency. Each view has a function of two days, such as\n" +
			"customerio_messages_between('2026-11-01', '2026-11-30'). For the columns of one:\n" +
			"DESCRIBE customerio_events. SHOW TABLES lists them all.\n\n" +
			"Rows are printed as they arrive. Meanwhile a worker waits for a DuckDB file, for\n" +
			"--timeout at most.\n\n" +
			"BigQuery charges for the bytes that a query reads. --dry-run prints the bytes and the\n" +
			"list price, and runs nothing. BigQuery refuses a query of more than 10 GiB, or of\n" +
			"more than max_bytes_billed in --warehouse-url. Ctrl-C cancels the query.",
		Example: "  cioctl query \"FROM customerio_messages\"\n" +
			"  cioctl query --output csv \"FROM customerio_events WHERE metric = 'bounced'\" > bounces.csv",
		Args: one("one SQL statement, in quotes"),
	}
	cmd.Flags().BoolVar(&o.dry, "dry-run", false, "print what the query would cost on BigQuery, and run nothing")
	cmd.Flags().Var(config.Span(&o.wait, 30*time.Second), "wait", "how long to wait until a worker hands over the file, or BigQuery answers")
	cmd.Flags().Var(config.Span(&o.timeout, time.Minute), "timeout", "how long the query and the printing may take")
	return c.command(cmd, func(ctx context.Context, args []string) error {
		return c.runQuery(ctx, &list, &o, args[0])
	}, &list, &o)
}

func (c *cli) runQuery(ctx context.Context, list *warehouseSetting, o *queryOptions, statement string) (err error) {
	if o.dry && !list.places[0].Charges() {
		return &config.UsageError{Err: fmt.Errorf("--dry-run: %s costs nothing: want bigquery://PROJECT/DATASET", list.places[0].Scheme)}
	}
	r, err := list.openWithin(ctx, o.wait)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	ctx, cancel := withTimeout(ctx, o.timeout)
	defer cancel()
	if e, ok := r.(warehouse.Estimator); o.dry && ok {
		return c.printEstimate(ctx, e, o, statement)
	}
	rows, err := c.charged(r).Query(ctx, statement)
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

// printEstimate prints what the statement would cost, as a row of the output's format.
func (c *cli) printEstimate(ctx context.Context, r warehouse.Estimator, o *queryOptions, statement string) error {
	e, err := r.Estimate(ctx, statement)
	if err != nil {
		return err
	}
	if o.format == "table" {
		_, err = fmt.Fprintf(c.out, "the query reads %s at most\n", e)
		return err
	}
	each := func(yield func([]any, error) bool) { yield([]any{e.Bytes, e.Dollars}, nil) }
	return c.printRows(&warehouse.Rows{Columns: []string{"bytes", "dollars"}, Each: each}, &o.output)
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
