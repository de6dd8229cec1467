package main

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"github.com/cioevents/cioevents/internal/audit"
	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/operate"
	"github.com/cioevents/cioevents/internal/privacy"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/warehouse/guard"
)

// auditSides are what audit compares the warehouse with.
var auditSides = []string{"customerio", "stream"}

// An auditSetting has the settings of audit.
type auditSetting struct {
	app            appSetting
	list           warehouseSetting
	nats           stream.Config
	privacy        guard.Settings
	since, until   string
	only           string
	format         string
	lookback, wait time.Duration
	record         bool

	from, to time.Time // set by the check of the settings
	now      time.Time
}

// Declare adds the settings to the set.
func (a *auditSetting) Declare(s *config.Set) {
	a.app.optional, a.nats = true, stream.Config{Name: "cioctl", Log: zerolog.Nop()}
	for _, group := range []settings{&a.nats, &a.app, &a.list, &a.privacy} {
		group.Declare(s)
	}
	flags := s.Flags()
	flags.StringVar(&a.since, "since", "-8d", "first time of an event: 2026-11-01, 2026-11-01T15:04:05Z, -24h or -7d")
	flags.StringVar(&a.until, "until", "-1h", "end before events of this time; an hour ago at most")
	flags.StringVar(&a.only, "only", "", "compare with customerio or with stream only (default: both, without a key of the App API the stream)")
	flags.StringVar(&a.format, "output", "table", "table for people, json for programs, or csv with a line for each missing event")
	flags.Var(config.Span(&a.lookback, audit.DefaultLookback), "lookback", "how much older than --since the deliveries may be whose metrics are compared")
	flags.Var(config.Span(&a.wait, 30*time.Second), "wait", "how long to wait until a worker hands over the file, or BigQuery answers")
	flags.BoolVar(&a.record, "record", false, "store the result for the workers' instrument and its alert, as the daily job does")
	filled(s, "since", "until", "only")
	s.Check(func() error { return config.OneOf("--output", a.format, "table", "json", "csv") })
	s.Check(a.check)
}

// check reads the period and the sides.
func (a *auditSetting) check() (err error) {
	a.now = time.Now()
	if a.only != "" && !slices.Contains(auditSides, a.only) {
		return config.OneOf("--only", a.only, auditSides...)
	}
	if a.only == "customerio" && a.app.chosen.Name != "" && a.app.chosen.AppKey == "" {
		return fmt.Errorf("--only customerio: %s is required", config.Variable(a.app.chosen.Name, "APP_API_KEY"))
	}
	a.from, a.to, err = auditPeriod(a.since, a.until, a.now)
	return err
}

// auditPeriod reads a period that ends an hour ago at most.
func auditPeriod(since, until string, now time.Time) (from, to time.Time, err error) {
	if from, to, err = operate.ParsePeriod(since, until, now); err != nil {
		return from, to, flagError(err)
	}
	from, to = from.Truncate(time.Second), to.Truncate(time.Second)
	if fresh := now.Add(-audit.Fresh).Truncate(time.Second).UTC(); to.After(fresh) {
		to = fresh
	}
	if !from.Before(to) {
		err = errors.New("--since: is not before --until, which is an hour ago at most: the events of the last hour may be on the way")
	}
	return from, to, err
}

func (c *cli) audit() *cobra.Command {
	var a auditSetting
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Compare Customer.io, the stream and the warehouse, and name what is missing",
		Long: `audit answers "are we missing events?". It compares the first warehouse of
--warehouse-url with two others:

  stream      each stored event has a row
  customerio  each metric that Customer.io lists for a delivery has a row: the only
              check that notices a webhook that never arrived

The table has, for each message and metric, Customer.io's number of deliveries, the
number here, and the difference. It names the first missing events; --output csv has a
line for each, and --output json all numbers and events. Below the table stands what
cannot be compared. A gap ends audit with exit code 1, and says what to do.

Customer.io lists deliveries by their creation, and audit reads those of --lookback
before --since, too: a metric may be much younger than its delivery. A million
deliveries take about five minutes at 5 calls a second (APP_API_RATE) and 200 MB.
A worker waits for a DuckDB file while audit reads the rows, for some seconds.

Events of persons whom cioctl person erase has erased are no gap. audit knows the
persons by the workers' PRIVACY_KEY.

CUSTOMERIO_APP_API_KEY is the key of the App API. Without the key audit compares the
stream alone. Run audit for each of several workspaces.`,
		Example: "  cioctl audit\n  cioctl audit --since 2026-11-01 --until 2026-11-08 --output csv > missing.csv\n  cioctl audit --only stream --since -30d",
	}
	return c.command(cmd, func(ctx context.Context, _ []string) error { return c.runAudit(ctx, &a) }, &a)
}

func (c *cli) runAudit(ctx context.Context, a *auditSetting) (err error) {
	p := a.list.places[0]
	p.Log = c.warnings()
	order := audit.Order{
		Workspace: a.app.chosen.Name, Since: a.from, Until: a.to, Lookback: a.lookback,
		Warehouse: p, Wait: a.wait, Consumer: p.Consumer,
	}
	if a.only != "stream" && a.app.chosen.AppKey != "" {
		if order.App, err = a.app.open(); err != nil {
			return err
		}
	}
	var conn *stream.Conn
	if a.only != "customerio" || a.record {
		if conn, err = connect(ctx, &a.nats); err != nil {
			return err
		}
		defer conn.Close()
	}
	if a.only != "customerio" {
		order.Stream = conn
	}
	if conn != nil && order.App != nil {
		erased, stop, err := followErased(ctx, conn, a.privacy.Key)
		if err != nil && !errors.Is(err, privacy.ErrNoKey) { // without a key the result has a note
			return err
		}
		if err == nil {
			defer stop()
			order.Erased = erased
		}
	}
	return c.printAudit(ctx, a, order, conn)
}

// collectEarly bounds Go's garbage to a quarter of the lists of an audit. They have no
// pointers, so a collection takes little time. Go's own variable wins.
func (c *cli) collectEarly() {
	if c.getenv("GOGC") == "" {
		debug.SetGCPercent(25)
	}
}

// printAudit runs the audit, prints gaps as they are found and then the result, and
// records the result.
func (c *cli) printAudit(ctx context.Context, a *auditSetting, order audit.Order, conn *stream.Conn) error {
	c.collectEarly()
	const steps = 1000
	bar, finish := c.bar(steps)
	order.Step = func(done float64) { bar.SetCurrent(int64(done * steps)) }
	p := c.auditPrinter(a.format)
	order.Missing = p.gap
	r, err := audit.Run(ctx, order)
	finish()
	if err != nil {
		return err
	}
	if err := p.result(r); err != nil {
		return err
	}
	if a.record {
		if err := audit.Record(ctx, conn.State(), r, a.now); err != nil {
			return err
		}
	}
	if r.Missing > 0 {
		return fmt.Errorf("audit found %s missing: %s", count(r.Missing, "event"), r.Advice())
	}
	return nil
}
