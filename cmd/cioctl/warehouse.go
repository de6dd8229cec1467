package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/warehouse/duckdb"
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

// open returns a reader of the first warehouse that can be queried here, and the
// warehouse's URL.
func (w *warehouseSetting) open(ctx context.Context) (*duckdb.Reader, string, error) {
	r, p, err := place.OpenReader(ctx, w.places)
	if errors.Is(err, place.ErrNotReadable) {
		err = &config.UsageError{Err: err}
	}
	return r, p.URL, err
}

func (c *cli) warehouse() *cobra.Command {
	return group("warehouse", "Create and compact the warehouse", "", c.migrate(), c.compact())
}

func (c *cli) migrate() *cobra.Command {
	var list warehouseSetting
	var dry bool
	cmd := &cobra.Command{
		Use:     "migrate",
		Short:   "Create the table and the views, and add the columns of this version",
		Long:    "migrate does what a worker does when it starts. You can repeat it, and workers of\nother versions may run meanwhile. With --print, migrate only shows the SQL.",
		Example: "  cioctl warehouse migrate --warehouse-url bigquery://my-project/messaging --print",
		Args:    usage(cobra.NoArgs),
	}
	cmd.Flags().BoolVar(&dry, "print", false, "show the SQL and change nothing")
	return c.command(cmd, func(ctx context.Context, _ []string) error {
		for _, p := range list.places {
			if dry {
				for _, s := range p.Statements() {
					fmt.Fprintf(c.out, "%s;\n\n", strings.TrimRight(strings.TrimSpace(s), ";"))
				}
				continue
			}
			if err := p.Migrate(ctx); err != nil {
				return err
			}
			fmt.Fprintf(c.out, "%s is ready\n", p.URL)
		}
		return nil
	}, &list)
}
