package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/cioevents/cioevents/internal/audit"
	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/operate"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/warehouse/guard"
)

// A backfillSetting has the settings of backfill.
type backfillSetting struct {
	app            appSetting
	list           warehouseSetting
	privacy        guard.Settings
	since, until   string
	lookback, wait time.Duration
	dryRun, yes    bool
	in             io.Reader

	from, to time.Time // set by the check of the settings
}

// Declare adds the settings to the set.
func (b *backfillSetting) Declare(s *config.Set) {
	b.app.Declare(s)
	b.list.Declare(s)
	b.privacy.Declare(s)
	flags := s.Flags()
	flags.StringVar(&b.since, "since", "", "first time of an event: 2026-11-01, 2026-11-01T15:04:05Z or -30d; required")
	flags.StringVar(&b.until, "until", "-1h", "end before events of this time; an hour ago at most")
	flags.Var(config.Span(&b.lookback, audit.DefaultLookback), "lookback", "how much older than --since the deliveries may be whose metrics are filled in")
	flags.Var(config.Span(&b.wait, 30*time.Second), "wait", "how long to wait until a worker hands over the file, or BigQuery answers")
	flags.BoolVar(&b.dryRun, "dry-run", false, "only count the missing events")
	flags.BoolVar(&b.yes, "yes", false, "store the events without counting and asking before")
	filled(s, "until")
	s.Check(b.check)
}

func (b *backfillSetting) check() (err error) {
	if b.since == "" {
		return errors.New("--since: is required: the beginning of what is missing, as cioctl audit names it")
	}
	if b.from, b.to, err = auditPeriod(b.since, b.until, time.Now()); err != nil || b.yes || b.dryRun {
		return err
	}
	return whoConfirms(b.in, "look with --dry-run what is missing, then give --yes")
}

func (c *cli) backfill() *cobra.Command {
	b := backfillSetting{in: c.in}
	var out output
	cmd := &cobra.Command{
		Use:   "backfill",
		Short: "Fill in the events of which no webhook has told",
		Long: `backfill stores what cioctl audit names as missing: an event for each metric of a
delivery that Customer.io lists, and that neither the first warehouse of --warehouse-url
nor the stream has. Use it after an outage of more than 7 days, because Customer.io
repeats a webhook for 7 days, or after the first installation.

The events go through the stream to every warehouse. They have no effects: neither the
Track API nor a program of your own gets them. Their shape is backfill, and their
event_id is backfill:DELIVERY_ID:METRIC. They lack what Customer.io does not list: opens
and clicks after the first, links, attempted, deferred and replied.

backfill counts the missing events, asks, and then reads Customer.io a second time to
store them. --yes stores at once. A million deliveries take about five minutes at 5
calls a second (APP_API_RATE), each time. backfill can be interrupted and repeated: it
goes on with what is still missing, and an event is stored once.

Events of persons whom cioctl person erase has erased are left out, and counted. Once
somebody was erased, backfill needs the workers' PRIVACY_KEY.

A stream or a worker of an older release does not know these events: backfill then
stores nothing, and names the command. Run backfill for each of several workspaces.`,
		Example: "  cioctl backfill --since 2026-11-01 --until 2026-11-15 --dry-run\n  cioctl backfill --since 2026-11-01 --until 2026-11-15 --yes --output json",
	}
	return c.onStream(cmd, func(ctx context.Context, conn *stream.Conn, _ []string) error {
		f, err := c.runBackfill(ctx, conn, &b)
		if err != nil {
			return err
		}
		return out.print(c.out, f, func(w io.Writer) { filledTable(w, f, &b) })
	}, &b, &out)
}

// runBackfill counts, asks and stores.
func (c *cli) runBackfill(ctx context.Context, conn *stream.Conn, b *backfillSetting) (*audit.Filled, error) {
	p := b.list.places[0]
	p.Log = c.warnings()
	if err := conn.CheckBackfill(ctx, p.Consumer); err != nil {
		return nil, err
	}
	app, err := b.app.open()
	if err != nil {
		return nil, err
	}
	erased, stop, err := followErased(ctx, conn, b.privacy.Key)
	if err != nil {
		return nil, fmt.Errorf("nothing was stored: %w", err)
	}
	defer stop()
	order := audit.Order{
		Workspace: b.app.chosen.Name, Since: b.from, Until: b.to, Lookback: b.lookback,
		Warehouse: p, Wait: b.wait, Consumer: p.Consumer, App: app, Stream: conn, Erased: erased,
	}
	if !b.yes || b.dryRun {
		plan, err := c.fill(ctx, order, nil)
		if err != nil {
			return nil, err
		}
		if b.dryRun || plan.Missing == 0 {
			return plan, nil
		}
		if plan.Erased > 0 {
			c.tellf("%s of erased persons left out", count(plan.Erased, "event"))
		}
		if !c.confirm(ctx, fmt.Sprintf("Customer.io has %s more than the warehouse and the stream. Store them?", count(plan.Missing, "event"))) {
			return nil, errors.New("nothing was stored; --yes stores without asking")
		}
	}
	pub, err := stream.NewPublisher(conn, operate.StoreTimeout)
	if err != nil {
		return nil, err
	}
	defer pub.Close()
	f, err := c.fill(ctx, order, pub)
	if err != nil && f != nil {
		c.tellf("%s stored until then: run the same command again to go on.", count(f.Stored, "event"))
	}
	return f, err
}

// fill shows the progress of audit.Fill.
func (c *cli) fill(ctx context.Context, order audit.Order, pub audit.Publisher) (*audit.Filled, error) {
	c.collectEarly()
	const steps = 1000
	bar, finish := c.bar(steps)
	defer finish()
	order.Step = func(done float64) { bar.SetCurrent(int64(done * steps)) }
	return audit.Fill(ctx, order, pub)
}

func filledTable(w io.Writer, f *audit.Filled, b *backfillSetting) {
	sayf(w, "workspace %s, from %s to %s", f.Workspace, f.Since.Format(time.RFC3339), f.Until.Format(time.RFC3339))
	if f.Missing > 0 {
		row(w, "METRIC", "MISSING")
	}
	for _, metric := range slices.Sorted(maps.Keys(f.Metrics)) {
		row(w, metric, f.Metrics[metric])
	}
	switch {
	case b.dryRun:
		sayf(w, "%s missing; nothing was stored", count(f.Missing, "event"))
	case f.Missing == 0:
		sayf(w, "nothing is missing")
	default:
		sayf(w, "%s stored, of which the stream had %d already", count(f.Stored, "event"), f.Repeated)
	}
	if f.Erased > 0 {
		sayf(w, "%s of erased persons left out", count(f.Erased, "event"))
	}
	if f.Waiting > 0 {
		sayf(w, "waiting for the worker: %s of the stream, such as those of an earlier backfill", count(f.Waiting, "event"))
	}
	if f.InStream > 0 {
		sayf(w, "without a row: %s of the stream; look with cioctl dead list, then run cioctl replay start --to warehouse --since %s", count(f.InStream, "event"), f.Since.Format(time.RFC3339))
	}
}
