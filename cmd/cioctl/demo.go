package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/customerio/customeriotest"
	"github.com/cioevents/cioevents/internal/dev"
	"github.com/cioevents/cioevents/internal/operate"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/warehouse/duckdb"
	"github.com/cioevents/cioevents/pkg/webhook"
	"github.com/cioevents/cioevents/pkg/webhook/webhooktest"
)

func (c *cli) demo() *cobra.Command {
	var cfg demoConfig
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Send a simulated campaign through the whole pipeline and check that nothing is lost",
		Long: `demo starts the pipeline on free ports and in a temporary folder, sends a
simulated campaign to its webhook endpoint with real signatures, waits until
everything has been handled, and prints the funnel, the profiles and the counts.
It fails when the counts differ.`,
	}
	return c.command(cmd, cfg.Declare, func(ctx context.Context, _ []string) error {
		return runDemo(ctx, cfg, c.out, c.err)
	})
}

// demoConfig is the settings of the demo.
type demoConfig struct {
	Deliveries int
	Rate       float64
	Seed       int
}

// Declare adds the settings to the set.
func (c *demoConfig) Declare(s *config.Set) {
	s.Int(&c.Deliveries, "DELIVERIES", 5000, "messages of the simulated campaign")
	s.Float(&c.Rate, "RATE", 0, "events a second, 0 for as many as go")
	s.Int(&c.Seed, "SEED", 1, "what happens in the campaign")
	s.Check(func() error {
		if c.Deliveries < 1 {
			return errors.New("DELIVERIES: must be above 0")
		}
		return nil
	})
}

// drainTimeout bounds the wait after the last event. It is far above what a slow
// machine needs.
const drainTimeout = 5 * time.Minute

// runDemo sends a campaign through a stack of its own and prints what became of
// it. The error says which counts differ.
func runDemo(ctx context.Context, cfg demoConfig, out, progress io.Writer) (err error) {
	dir, err := os.MkdirTemp("", "cioevents-demo-")
	if err != nil {
		return fmt.Errorf("create temporary folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	stackConfig, err := demoStack(dir)
	if err != nil {
		return err
	}
	stack, err := dev.New(stackConfig, zerolog.New(progress).Level(zerolog.WarnLevel))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- stack.Run(ctx) }()
	d := &demo{stack: stack, campaign: campaignOf(cfg), rate: cfg.Rate, progress: progress, path: dir + "/customerio.duckdb"}
	err = d.run(ctx, out)
	cancel()
	return errors.Join(err, <-done)
}

func campaignOf(cfg demoConfig) webhooktest.Campaign {
	return webhooktest.Campaign{Seed: uint64(cfg.Seed), Deliveries: cfg.Deliveries, CampaignID: 7} //nolint:gosec // any number will do
}

// demoStack is the stack's configuration with free ports, and with a rate that
// the fake bears.
func demoStack(dir string) (dev.Config, error) {
	var cfg dev.Config
	set := config.New("demo", func(string) string { return "" })
	cfg.Declare(set)
	err := set.Parse([]string{
		"--data=" + dir, "--ingest-addr=127.0.0.1:0", "--admin-addr=127.0.0.1:0", "--worker-admin-addr=127.0.0.1:0",
		"--nats-url=nats://127.0.0.1:0", "--fake-track-addr=127.0.0.1:0", "--track-rate=20000", "--track-concurrency=16",
	})
	return cfg, err
}

type demo struct {
	stack    *dev.Stack
	campaign webhooktest.Campaign
	rate     float64
	progress io.Writer
	path     string
}

func (d *demo) run(ctx context.Context, out io.Writer) error {
	conn, err := d.stack.Connect()
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := waitUntil(ctx, drainTimeout, func() bool { return conn.Ready(ctx) == nil }); err != nil {
		return fmt.Errorf("wait for the stream: %w", err)
	}
	d.stack.Fake.Seed(d.people()...)
	totals := d.campaign.Totals()
	report, err := d.send(ctx, totals.Events)
	if err != nil {
		return err
	}
	status, err := d.drain(ctx, conn, totals.Events)
	if err != nil {
		return err
	}
	return d.report(ctx, out, totals, report, status)
}

func (d *demo) send(ctx context.Context, events int) (operate.SendReport, error) {
	bars := d.bars()
	bar := newBar(bars, "sending", events)
	sender := operate.Sender{URL: d.stack.WebhookURL(), Key: dev.DefaultKey, Connections: 64, Rate: d.rate, Retries: 5, Progress: bar.Increment}
	report, err := sender.Send(ctx, d.campaign.Events())
	bar.Abort(false)
	bars.Wait()
	return report, err
}

// bars returns a set of progress bars. It does not end with a context: adding a
// bar to one that has ended panics.
func (d *demo) bars() *mpb.Progress {
	return mpb.New(mpb.WithOutput(d.progress), mpb.WithWidth(48))
}

func newBar(bars *mpb.Progress, name string, total int) *mpb.Bar {
	return bars.AddBar(int64(total),
		mpb.PrependDecorators(decor.Name(name, decor.WC{W: 9}), decor.CountersNoUnit("%6d / %d", decor.WC{W: 16})),
		mpb.AppendDecorators(decor.Percentage(), decor.Name("  "), decor.AverageSpeed(0, "%.0f/s")))
}

// drain waits until every consumer has handled everything.
func (d *demo) drain(ctx context.Context, conn *stream.Conn, events int) (*stream.Status, error) {
	bars := d.bars()
	bar := newBar(bars, "handling", events)
	var status *stream.Status
	err := waitUntil(ctx, drainTimeout, func() bool {
		s, err := conn.Status(ctx)
		if err != nil {
			return false
		}
		status = s
		var lag uint64
		for _, c := range s.Consumers {
			lag = max(lag, c.Lag)
		}
		bar.SetCurrent(int64(events) - int64(min(lag, uint64(events)))) //nolint:gosec // small numbers
		return lag == 0 && len(s.Consumers) == 3
	})
	bar.Abort(false)
	bars.Wait()
	if err != nil {
		return nil, fmt.Errorf("wait until everything is handled: %w", err)
	}
	return status, nil
}

func waitUntil(ctx context.Context, timeout time.Duration, ok func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	t := time.NewTicker(50 * time.Millisecond)
	defer t.Stop()
	for !ok() {
		select {
		case <-t.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// report prints the result and compares it with what the campaign is.
func (d *demo) report(ctx context.Context, out io.Writer, totals webhooktest.Totals, sent operate.SendReport, status *stream.Status) error {
	funnel, err := duckdb.Query(ctx, d.path, `SELECT sent, delivered, bounced, unique_opens, unique_human_opens, unique_clicks, conversions, unsubscribes, spam_complaints
		FROM customerio_campaign_funnel WHERE campaign_id = 7`)
	if err != nil {
		return err
	}
	rows, err := duckdb.Query(ctx, d.path, "SELECT count(*), count(DISTINCT event_id) FROM customerio_events")
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	line := func(name string, value any) { _, _ = fmt.Fprintf(w, "%s\t%v\t\n", name, value) }
	_, _ = fmt.Fprintln(w, "\nCampaign 7, from the warehouse")
	for i, name := range funnel.Columns {
		line(strings.ReplaceAll(name, "_", " "), funnel.Rows[0][i])
	}
	suppressed, engaged, unsubscribed := d.profiles()
	counts := d.stack.Fake.Counts()
	_, _ = fmt.Fprintln(w, "\nProfiles, from the Track API")
	line("suppressed and deleted", suppressed)
	line("engaged", engaged)
	line("unsubscribed", unsubscribed)
	line("calls", counts.Identify+counts.Suppress)
	_, _ = fmt.Fprintln(w, "\nCounts")
	c := &comparison{want: totals.Events, line: line}
	c.compare("events of the campaign", totals.Events)
	c.compare("answered 200", sent.Sent)
	c.compare("messages in the stream", int(status.Stream.Messages)) //nolint:gosec // a small number
	c.compare("rows in the warehouse", toInt(rows.Rows[0][0]))
	c.compare("distinct events in the warehouse", toInt(rows.Rows[0][1]))
	c.want = 0
	c.compare("dead letters", len(status.Dead))
	c.want = totals.HardBounced + totals.UnknownBounced + totals.Complained
	c.compare("people suppressed", suppressed)
	c.want = totals.Deliveries[webhook.Delivered]
	c.compare("deliveries delivered", toInt(funnel.Rows[0][1]))
	if err := w.Flush(); err != nil {
		return err
	}
	if len(c.wrong) > 0 {
		return fmt.Errorf("the counts differ: %s", strings.Join(c.wrong, ", "))
	}
	_, err = fmt.Fprintf(out, "\nNothing is lost and nothing is double: %d events in %.1f s, %.0f a second.\n", sent.Sent, sent.Seconds, float64(sent.Sent)/sent.Seconds)
	return err
}

type comparison struct {
	want  int
	wrong []string
	line  func(string, any)
}

func (c *comparison) compare(name string, got int) {
	c.line(name, got)
	if got != c.want {
		c.wrong = append(c.wrong, fmt.Sprintf("%s %d, want %d", name, got, c.want))
	}
}

func (d *demo) profiles() (suppressed, engaged, unsubscribed int) {
	people := d.stack.Fake.Profiles()
	for _, p := range people {
		if _, ok := p.Attributes["last_email_engaged_at"]; ok {
			engaged++
		}
		if p.Attributes["unsubscribed"] == true {
			unsubscribed++
		}
	}
	for _, p := range d.people() {
		if d.stack.Fake.Suppressed(p.ID) {
			suppressed++
		}
	}
	return suppressed, engaged, unsubscribed
}

// people is everybody in the campaign, as they are before it.
func (d *demo) people() []customeriotest.Profile {
	var people []customeriotest.Profile
	seen := map[string]bool{}
	for body := range d.campaign.Events() {
		e, err := webhook.Parse(body)
		if err == nil && !seen[e.Identifiers.ID] {
			seen[e.Identifiers.ID] = true
			people = append(people, customeriotest.Profile{CioID: e.Identifiers.CioID, ID: e.Identifiers.ID, Email: e.Identifiers.Email})
		}
	}
	return people
}

func toInt(v any) int {
	n, _ := v.(int64)
	return int(n)
}
