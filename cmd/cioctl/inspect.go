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
				return conn.TailDeadLetters(ctx, sel, func(d event.DeadLetter) bool { return c.printDead(o, d) == nil })
			}
			return conn.TailEvents(ctx, sel, func(a event.Attempt) bool { return c.printEvent(o, a) == nil })
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
