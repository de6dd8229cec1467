package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// connectWait is how long a command waits for NATS.
const connectWait = 5 * time.Second

// withStream calls use with a connection that works, or says what to do.
func withStream(ctx context.Context, cfg stream.Config, use func(*stream.Conn) error) error {
	cfg.Name, cfg.Log = "cioctl", zerolog.Nop()
	conn, err := stream.Connect(cfg)
	if err != nil {
		return err
	}
	defer conn.Close()
	waiting, cancel := context.WithTimeout(ctx, connectWait)
	defer cancel()
	if err := conn.WaitConnected(waiting); err != nil {
		return fmt.Errorf("NATS does not answer at %s; is it running, and is NATS_URL right? (%w)", cfg.Redacted(), err)
	}
	return use(conn)
}

func (c *cli) status() *cobra.Command {
	var cfg stream.Config
	var o output
	cmd := &cobra.Command{Use: "status", Short: "Show the stream, the lag of its consumers, and the dead letters"}
	declare := func(s *config.Set) {
		cfg.Declare(s)
		o.declare(s)
	}
	return c.command(cmd, declare, func(ctx context.Context, _ []string) error {
		return withStream(ctx, cfg, func(conn *stream.Conn) error {
			s, err := conn.Status(ctx)
			if err != nil {
				return err
			}
			return o.print(c.out, s, func(w io.Writer) { statusTable(w, s) })
		})
	})
}

func statusTable(w io.Writer, s *stream.Status) {
	row(w, "STREAM", "MESSAGES", "BYTES", "FIRST", "LAST", "REPLICAS")
	row(w, s.Stream.Name, s.Stream.Messages, s.Stream.Bytes, s.Stream.First, s.Stream.Last, s.Stream.Replicas)
	row(w)
	row(w, "CONSUMER", "LAG", "IN FLIGHT", "REDELIVERED")
	for _, cons := range s.Consumers {
		row(w, cons.Name, cons.Lag, cons.InFlight, cons.Redelivered)
	}
	row(w)
	if len(s.Replays) > 0 {
		row(w, "REPLAY", "TARGET", "EVENTS")
		for i := range s.Replays {
			row(w, s.Replays[i].ID, s.Replays[i].Target, s.Replays[i].Total)
		}
		row(w)
	}
	if len(s.Dead) == 0 {
		row(w, "no dead letters")
		return
	}
	row(w, "DEAD LETTERS FROM", "REASON", "COUNT")
	for _, d := range s.Dead {
		row(w, d.From, d.Reason, d.Count)
	}
}

func (c *cli) tail() *cobra.Command {
	var cfg stream.Config
	var o output
	var since time.Duration
	var dead bool
	cmd := &cobra.Command{
		Use:   "tail",
		Short: "Print events as they are stored, until Ctrl-C",
		Long:  "tail prints a line for each event that is stored, and with --output json its whole\nbody. It disturbs nothing. With --dead it prints the dead letters instead.",
	}
	cmd.Flags().DurationVar(&since, "since", 0, "begin this far back")
	cmd.Flags().BoolVar(&dead, "dead", false, "print dead letters, those that are there and new ones")
	declare := func(s *config.Set) {
		cfg.Declare(s)
		o.declare(s)
	}
	return c.command(cmd, declare, func(ctx context.Context, _ []string) error {
		sel := stream.Selection{Follow: true, NewOnly: since == 0 && !dead}
		if since > 0 {
			sel.Since = time.Now().Add(-since)
		}
		err := withStream(ctx, cfg, func(conn *stream.Conn) error {
			if dead {
				return conn.DeadLetters(ctx, sel, func(d event.DeadLetter) bool { return c.printDead(o, d) == nil })
			}
			return conn.Events(ctx, sel, func(a event.Attempt) bool { return c.printEvent(o, a) == nil })
		})
		if errors.Is(err, context.Canceled) {
			return nil // Ctrl-C is how it ends
		}
		return err
	})
}

func (c *cli) printEvent(o output, a event.Attempt) error {
	if o.format == "json" {
		return json.NewEncoder(c.out).Encode(map[string]any{
			"sequence": a.Sequence, "workspace": a.Workspace, "id": a.ID, "received_at": a.ReceivedAt, "body": rawOrText(a.Body),
		})
	}
	e, err := webhook.Parse(a.Body)
	if err != nil {
		e = &webhook.Event{}
	}
	_, err = fmt.Fprintf(c.out, "%s  %8d  %-10s %-9s %-14s delivery=%s campaign=%d person=%s\n", a.ReceivedAt.Local().Format(time.TimeOnly), a.Sequence,
		a.Workspace, e.ObjectType, e.Metric, e.DeliveryID, e.CampaignID, cmp.Or(e.Identifiers.CioID, e.Identifiers.ID, e.CustomerID))
	return err
}

func (c *cli) printDead(o output, d event.DeadLetter) error {
	if o.format == "json" {
		return json.NewEncoder(c.out).Encode(map[string]any{
			"from": d.From, "reason": d.Reason, "error": d.Err, "attempts": d.Attempts, "sequence": d.Sequence, "subject": d.Subject,
			"workspace": d.Workspace, "id": d.ID, "received_at": d.ReceivedAt, "died_at": d.DiedAt, "body": rawOrText(d.Body),
		})
	}
	_, err := fmt.Fprintf(c.out, "%s  from=%s reason=%s attempts=%d id=%s bytes=%d  %s\n", d.DiedAt.Local().Format(time.DateTime), d.From, d.Reason, d.Attempts, d.ID, len(d.Body), d.Err)
	return err
}

// rawOrText shows a body as JSON where it is JSON.
func rawOrText(body []byte) any {
	if json.Valid(body) {
		return json.RawMessage(body)
	}
	return string(body)
}

func (c *cli) query() *cobra.Command {
	var o output
	var urls warehouseURLs
	var wait time.Duration
	cmd := &cobra.Command{
		Use:     "query SQL",
		Short:   "Ask the warehouse a question, also while a worker is writing to it",
		Long:    "query runs one read-only statement on a DuckDB file or a Parquet folder. The table is\ncustomerio_events; the views are customerio_deliveries, customerio_campaign_funnel,\ncustomerio_campaign_daily, customerio_time_to_open, customerio_bounces,\ncustomerio_link_clicks and customerio_pipeline_latency.",
		Example: `  cioctl query "FROM customerio_campaign_funnel"`,
		Args:    cobra.ExactArgs(1),
	}
	cmd.Flags().DurationVar(&wait, "wait", 30*time.Second, "how long to wait for a worker to hand over the file")
	declare := func(s *config.Set) {
		urls.declare(s)
		o.declare(s)
	}
	return c.command(cmd, declare, func(ctx context.Context, args []string) error {
		ctx, cancel := context.WithTimeout(ctx, wait)
		defer cancel()
		r, _, err := urls.open(ctx)
		if err != nil {
			return err
		}
		t, err := r.Query(ctx, args[0])
		if err := errors.Join(err, r.Close()); err != nil {
			return err
		}
		return o.print(c.out, t.Objects(), func(w io.Writer) {
			row(w, anySlice(t.Columns)...)
			for _, r := range t.Rows {
				row(w, r...)
			}
		})
	})
}

func anySlice(names []string) []any {
	cells := make([]any, len(names))
	for i, n := range names {
		cells[i] = n
	}
	return cells
}

func (c *cli) stream() *cobra.Command {
	cmd := &cobra.Command{Use: "stream", Short: "Change the stream", Args: usage(cobra.NoArgs), RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	var cfg stream.Config
	var settings stream.Settings
	apply := &cobra.Command{
		Use: "apply", Short: "Give the running streams the configured replicas, age, size and window",
		Long: "Give the running streams the configured replicas, age, size and window: all four\nof them, so name those that are not to become the default.",
	}
	var less bool
	apply.Flags().BoolVar(&less, "less", false, "allow fewer replicas, or a shorter age, which deletes events")
	declare := func(s *config.Set) {
		cfg.Declare(s)
		settings.Declare(s)
	}
	cmd.AddCommand(c.command(apply, declare, func(ctx context.Context, _ []string) error {
		err := withStream(ctx, cfg, func(conn *stream.Conn) error { return conn.Apply(ctx, settings, less) })
		if errors.Is(err, stream.ErrLess) {
			return fmt.Errorf("%w. Set what is missing, or pass --less", err)
		}
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(c.out, "applied")
		return err
	}))
	return cmd
}
