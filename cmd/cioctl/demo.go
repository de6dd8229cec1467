package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/customerio/customeriotest"
	"github.com/cioevents/cioevents/internal/dev"
	"github.com/cioevents/cioevents/internal/operate"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/pkg/webhook"
	"github.com/cioevents/cioevents/pkg/webhook/webhooktest"
)

func (c *cli) demo() *cobra.Command {
	var cfg demoConfig
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Send a simulated campaign through the whole pipeline and check that no event is lost",
		Long: `demo starts the pipeline on free ports and in a temporary folder. It sends a
simulated campaign with real signatures to the webhook endpoint, waits until all
events are handled, and prints the funnel, the profiles and the counts. Nothing stays
on the disk, and no account is touched.

demo fails when the counts differ, or when the consumers have not handled all events
within 5 minutes: try fewer --deliveries on a slow machine.`,
		Example: "  cioctl demo\n  cioctl demo --deliveries 100000 --rate 2000",
	}
	return c.command(cmd, func(ctx context.Context, _ []string) error { return c.runDemo(ctx, cfg) }, &cfg)
}

// demoConfig holds the settings of the command demo.
type demoConfig struct {
	deliveries int
	rate       float64
	seed       int
}

// Declare adds the settings to the set.
func (c *demoConfig) Declare(s *config.Set) {
	flags := s.Flags()
	flags.Var(config.Above0(&c.deliveries, 5000), "deliveries", "number of messages of the simulated campaign")
	flags.Var(config.AtLeast0(&c.rate, 0), "rate", "events a second, 0 for as fast as possible")
	flags.IntVar(&c.seed, "seed", 1, "seed of the simulation: an equal seed gives an equal campaign")
}

// drainTimeout bounds the wait after the last event, far above the need of a slow
// machine.
const drainTimeout = 5 * time.Minute

// A demo is one run of the command.
type demo struct {
	*cli
	dir      string
	stack    *dev.Stack
	campaign webhooktest.Campaign
	rate     float64
}

// runDemo sends a campaign through a stack of its own and prints the result. The
// error says which counts differ.
func (c *cli) runDemo(ctx context.Context, cfg demoConfig) (err error) {
	dir, err := os.MkdirTemp("", "cioevents-demo-")
	if err != nil {
		return fmt.Errorf("create temporary folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	d, err := c.newDemo(cfg, dir)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- d.stack.Run(ctx) }()
	err = d.run(ctx)
	cancel()
	return errors.Join(err, <-done)
}

// newDemo starts a stack on free ports, with a high rate of calls to its fake Track
// API.
func (c *cli) newDemo(cfg demoConfig, dir string) (*demo, error) {
	var stackConfig dev.Config
	set := config.New("demo", func(string) string { return "" })
	stackConfig.Declare(set)
	err := set.Parse([]string{
		"--data=" + dir, "--ingest-addr=127.0.0.1:0", "--admin-addr=127.0.0.1:0", "--worker-admin-addr=127.0.0.1:0",
		"--nats-url=nats://127.0.0.1:0", "--fake-track-addr=127.0.0.1:0", "--console-addr=127.0.0.1:0", "--track-rate=20000", "--track-concurrency=16",
		"--suppression-limit=0", // a large campaign bounces more often, within minutes
	})
	if err != nil {
		return nil, err
	}
	stack, err := dev.New(stackConfig, zerolog.New(c.err).Level(zerolog.WarnLevel))
	campaign := webhooktest.Campaign{Seed: uint64(cfg.seed), Deliveries: cfg.deliveries, CampaignID: 7} //nolint:gosec // any number will do
	return &demo{c, dir, stack, campaign, cfg.rate}, err
}

func (d *demo) run(ctx context.Context) error {
	conn, err := d.stack.Connect()
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := waitUntil(ctx, func() bool { return conn.Ready(ctx) == nil }); err != nil {
		return fmt.Errorf("wait for the stream: %w", err)
	}
	d.stack.Fake.Seed(d.people()...)
	events := d.campaign.Totals().Events
	sent, err := d.send(ctx, events)
	if err != nil {
		return err
	}
	status, err := d.drain(ctx, conn, events)
	if err != nil {
		return err
	}
	return d.report(ctx, sent, status)
}

// people returns the profiles of all people in the campaign before the campaign.
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

func (d *demo) send(ctx context.Context, events int) (operate.SendReport, error) {
	_, _ = fmt.Fprintf(d.err, "sending %d events\n", events)
	bar, finish := d.bar(int64(events))
	defer finish()
	sender := operate.Sender{URL: d.stack.WebhookURL(), Key: dev.DefaultKey, Connections: 64, Rate: d.rate, Retries: 5, Progress: bar.Increment}
	return sender.Send(ctx, d.campaign.Events())
}

// drain waits until every consumer has handled every event.
func (d *demo) drain(ctx context.Context, conn *stream.Conn, events int) (status *stream.Status, err error) {
	_, _ = fmt.Fprintln(d.err, "waiting until all consumers have handled the events")
	bar, finish := d.bar(int64(events))
	defer finish()
	err = waitUntil(ctx, func() bool {
		if status, err = conn.Status(ctx); err != nil {
			return false
		}
		var lag uint64
		for _, c := range status.Consumers {
			lag = max(lag, c.Lag)
		}
		bar.SetCurrent(int64(events) - int64(min(lag, uint64(events)))) //nolint:gosec // small numbers
		return lag == 0 && len(status.Consumers) == 3
	})
	if err != nil {
		return nil, fmt.Errorf("wait until all events are handled: %w", err)
	}
	return status, nil
}

// waitUntil calls ok every 50 ms until ok returns true, for drainTimeout at most.
func waitUntil(ctx context.Context, ok func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, drainTimeout)
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
