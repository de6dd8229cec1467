package main

import (
	"context"
	"errors"
	"io"

	"github.com/spf13/cobra"

	"github.com/cioevents/cioevents/internal/operate"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/warehouse/place"
)

func (c *cli) adopt() *cobra.Command {
	var list warehouseSetting
	var out output
	var consumer string
	var yes bool
	cmd := &cobra.Command{
		Use:   "adopt",
		Short: "Accept that a warehouse has moved to another store",
		Long: `adopt makes a consumer fill the store at --warehouse-url from now on.

Each DuckDB file, Parquet folder and BigQuery table has an id of its own, its store
id, and the consumer remembers the id of the store that it fills. A worker with
another store does not fetch and is not ready. Otherwise two stores would each get
a part of the events: after a change of WAREHOUSE_URL, beside a test installation,
or in two pods with a volume each.

Run adopt after you have moved a warehouse or created it again. Run adopt where the
warehouse is: for a DuckDB file, beside the worker (docs/operations.md). The first
of --warehouse-url is the warehouse of the consumer warehouse; warehouse-parquet
fills a further one.

adopt copies no events. Either copy the old warehouse first, or fill the new one
from the stream:

  cioctl replay start --to warehouse --wait

A table of BigQuery that replaces another of the same name is refused for 10 minutes
after its creation: BigQuery may still store rows in the deleted table.

To fill two warehouses, do not use adopt: give the workers both in WAREHOUSE_URL.

adopt shows both stores, says whether the new one exists, and asks. A script needs
--yes: without a terminal nobody can answer. adopt fails before a worker has created
the consumer: a new consumer takes the worker's store by itself.`,
		Example: `  cioctl warehouse adopt --warehouse-url duckdb:/data/customerio.duckdb
  cioctl warehouse adopt --warehouse-url bigquery://acme/messaging --yes
  docker compose run --rm cioctl warehouse adopt`,
	}
	cmd.Flags().StringVar(&consumer, "consumer", place.FirstConsumer, "consumer that fills the warehouse, as in cioctl status")
	cmd.Flags().BoolVar(&yes, "yes", false, "adopt without asking")
	var p place.Place
	valid := check(func() (err error) {
		if p, err = operate.PlaceOf(list.places, consumer); err != nil {
			return flagError(err)
		}
		if yes {
			return nil
		}
		return whoConfirms(c.in, "give --yes to adopt")
	})
	return c.onStream(cmd, func(ctx context.Context, conn *stream.Conn, _ []string) error {
		p.Log = c.warnings()
		a, err := operate.PlanAdoption(ctx, conn, p)
		if err != nil {
			return err
		}
		return c.doAdopt(ctx, conn, p, a, yes, &out)
	}, &list, &out, valid)
}

func (c *cli) doAdopt(ctx context.Context, conn *stream.Conn, p place.Place, a *operate.Adoption, yes bool, out *output) error {
	if !a.Changes() {
		return out.print(c.out, a, func(w io.Writer) { sayf(w, "%s fills this store already: %s", a.Consumer, a.To.Place) })
	}
	to := storeText(a.To)
	switch {
	case a.Missing:
		to = a.To.Place + ", which does not exist: adopt creates it"
	case a.Empty:
		to += ", which is empty"
	}
	c.tellf("%s fills now:  %s", a.Consumer, storeText(a.From))
	c.tellf("%s will fill:  %s", a.Consumer, to)
	if !yes && !c.confirm(ctx, "Fill the other store from now on?") {
		return errors.New("nothing was changed; --yes adopts without asking")
	}
	if err := operate.Adopt(ctx, conn, p, a); err != nil {
		return err
	}
	return out.print(c.out, a, func(w io.Writer) { adoptTable(w, a) })
}

func adoptTable(w io.Writer, a *operate.Adoption) {
	sayf(w, "%s fills %s; a worker with this store begins within seconds", a.Consumer, a.To.Place)
	switch {
	case a.Settled == 0:
	case a.Empty:
		sayf(w, "The store is empty and lacks the events up to %d. Fill the store with: cioctl replay start --to %s --wait", a.Settled, a.Consumer)
	default:
		sayf(w, "Events up to %d are in the store only if you have copied them. If not: cioctl replay start --to %s --wait", a.Settled, a.Consumer)
	}
}

func storeText(s stream.Store) string {
	if s.ID == "" {
		return "no store that is known"
	}
	return s.Place + " (store " + s.ID + ")"
}
