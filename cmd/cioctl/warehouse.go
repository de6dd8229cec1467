package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"github.com/cioevents/cioevents/internal/app/workerapp"
	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/dev"
	"github.com/cioevents/cioevents/internal/operate"
	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery"
	"github.com/cioevents/cioevents/internal/warehouse/duckdb"
	"github.com/cioevents/cioevents/internal/warehouse/parquet"
)

// warehouseURLs is the setting of commands about warehouses.
type warehouseURLs []string

func (u *warehouseURLs) declare(s *config.Set) {
	*u = warehouseURLs{dev.DefaultWarehouse}
	s.Var((*config.List)(u), "WAREHOUSE_URL", "the warehouse: duckdb:FILE, parquet:DIR or bigquery://PROJECT/DATASET; of several, each")
	s.Check(func() error { return workerapp.CheckWarehouses(*u) })
}

// open returns a reader of the first warehouse that can be asked here, and its
// URL.
func (u *warehouseURLs) open(ctx context.Context) (r *duckdb.Reader, url string, err error) {
	for _, url := range *u {
		scheme, path, _ := strings.Cut(url, ":")
		switch scheme {
		case "duckdb":
			r, err = duckdb.OpenReader(ctx, path)
			return r, url, err
		case "parquet":
			if _, err := os.Stat(filepath.Join(path, warehouse.Events)); err != nil {
				return nil, url, fmt.Errorf("there are no events in %s yet: a worker creates the folder when it starts", path)
			}
			r, err = duckdb.OpenScript(ctx, parquet.Views(path))
			return r, url, err
		}
	}
	return nil, "", &config.UsageError{Err: fmt.Errorf(
		"WAREHOUSE_URL: %q names no DuckDB file and no Parquet folder, which are what can be asked here; BigQuery has the same views, such as %s",
		strings.Join(*u, ","), warehouse.CampaignFunnel)}
}

func (c *cli) warehouse() *cobra.Command {
	cmd := &cobra.Command{
		Use: "warehouse", Short: "Create and compact the warehouse",
		Args: usage(cobra.NoArgs), RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(c.migrate(), c.compact())
	return cmd
}

func (c *cli) migrate() *cobra.Command {
	var urls warehouseURLs
	var dry bool
	cmd := &cobra.Command{
		Use:     "migrate",
		Short:   "Create the table and the views, and add the columns of this version",
		Long:    "migrate does what a worker does at its start. It can be repeated, and running\nworkers of other versions go on meanwhile. With --print it only shows the SQL.",
		Example: "  cioctl warehouse migrate --warehouse-url bigquery://my-project/messaging --print",
		Args:    usage(cobra.NoArgs),
	}
	cmd.Flags().BoolVar(&dry, "print", false, "show the SQL and do nothing")
	return c.command(cmd, urls.declare, func(ctx context.Context, _ []string) error {
		for _, url := range urls {
			if dry {
				statements, err := statementsOf(url)
				if err != nil {
					return err
				}
				for _, s := range statements {
					fmt.Fprintf(c.out, "%s;\n\n", strings.TrimRight(strings.TrimSpace(s), ";"))
				}
				continue
			}
			if err := migrate(ctx, url); err != nil {
				return err
			}
			fmt.Fprintf(c.out, "%s is ready\n", url)
		}
		return nil
	})
}

func migrate(ctx context.Context, url string) error {
	sink, err := workerapp.NewSink(url, zerolog.Nop())
	if err != nil {
		return err
	}
	return errors.Join(sink.Open(ctx), sink.Close())
}

// statementsOf returns what makes the warehouse, as SQL.
func statementsOf(url string) ([]string, error) {
	scheme, path, _ := strings.Cut(url, ":")
	switch scheme {
	case "duckdb":
		return duckdb.Statements(), nil
	case "parquet":
		return []string{parquet.Views(path)}, nil
	}
	project, dataset, err := bigQueryPlace(url)
	return bigquery.Statements(project, dataset), err
}

func bigQueryPlace(url string) (project, dataset string, err error) {
	cfg, err := bigquery.ParseURL(url)
	if err != nil {
		return "", "", err
	}
	if cfg.Dataset == "" {
		cfg.Dataset = warehouse.DefaultSchema
	}
	return cfg.Project, cfg.Dataset, nil
}

// compactOptions are the flags of compact.
type compactOptions struct {
	before string
	grace  time.Duration
}

func (c *cli) compact() *cobra.Command {
	var urls warehouseURLs
	var out output
	var o compactOptions
	cmd := &cobra.Command{
		Use:   "compact",
		Short: "Merge the files of past days and drop repeated events",
		Long: "compact merges the Parquet files of each past day into one and leaves out repeated\n" +
			"events. Workers and readers go on meanwhile; interrupted, it is finished by the next\n" +
			"run. For BigQuery it prints the statement that does it for one day. DuckDB needs none.",
		Example: "  cioctl warehouse compact --warehouse-url parquet:/data/events --before 2026-11-01",
		Args:    usage(cobra.NoArgs),
	}
	cmd.Flags().StringVar(&o.before, "before", "-48h", "compact the days that ended before: a date, a time or an age such as -48h")
	cmd.Flags().DurationVar(&o.grace, "grace", 30*time.Second, "how long replaced files stay for queries that read them")
	declare := func(s *config.Set) {
		urls.declare(s)
		out.declare(s)
	}
	return c.command(cmd, declare, func(ctx context.Context, _ []string) error {
		before, err := operate.ParseTime(o.before, time.Now())
		if err != nil {
			return &config.UsageError{Err: fmt.Errorf("--before: %w", err)}
		}
		for _, url := range urls {
			if err := c.compactOne(ctx, url, before, o.grace, out); err != nil {
				return err
			}
		}
		return nil
	})
}

func (c *cli) compactOne(ctx context.Context, url string, before time.Time, grace time.Duration, out output) error {
	scheme, path, _ := strings.Cut(url, ":")
	switch scheme {
	case "parquet":
		return c.compactParquet(ctx, parquet.Compaction{Dir: path, Before: before, Grace: grace}, out)
	case "bigquery":
		project, dataset, err := bigQueryPlace(url)
		if err != nil {
			return err
		}
		day := before.UTC().AddDate(0, 0, -1)
		_, err = fmt.Fprintf(c.out, "-- Run this for each day, for instance daily as a scheduled query; here for %s.\n%s\n",
			day.Format(time.DateOnly), bigquery.CompactDay(project, dataset, day))
		return err
	default:
		_, err := fmt.Fprintf(c.out, "%s stores each event once already\n", url)
		return err
	}
}

func (c *cli) compactParquet(ctx context.Context, job parquet.Compaction, out output) error {
	bar, finish := c.bar(-1)
	job.Progress = func(done, _ int) { bar.SetCurrent(int64(done)) }
	report, err := parquet.Compact(ctx, job)
	finish()
	if errors.Is(err, parquet.ErrCompacting) {
		return fmt.Errorf("%w; wait for it to end", err)
	}
	if err != nil {
		return err
	}
	return out.print(c.out, report, func(w io.Writer) {
		row(w, "days", "files", "rows", "repeated", "bytes before", "bytes after")
		row(w, report.Days, report.Files, report.Rows, report.Duplicates, report.BytesBefore, report.BytesAfter)
	})
}
