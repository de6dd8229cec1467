package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"github.com/cioevents/cioevents/internal/app/workerapp"
	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/dev"
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
			if err := checkFolder(path); err != nil {
				return nil, url, err
			}
			r, err = duckdb.OpenScript(ctx, parquet.Views(path))
			return r, url, err
		}
	}
	return nil, "", &config.UsageError{Err: fmt.Errorf(
		"WAREHOUSE_URL: %q names no DuckDB file and no Parquet folder, which are what can be asked here; BigQuery has the same views, such as %s",
		strings.Join(*u, ","), warehouse.CampaignFunnel)}
}

// checkFolder tells that a folder is no Parquet warehouse, or none yet.
func checkFolder(path string) error {
	if _, err := os.Stat(filepath.Join(path, warehouse.Events)); err != nil {
		return fmt.Errorf("there are no events in %s yet: a worker creates the folder when it starts", path)
	}
	return nil
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
