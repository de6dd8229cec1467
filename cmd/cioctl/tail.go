package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/operate"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/pkg/webhook"
)

func (c *cli) tail() *cobra.Command {
	var out output
	var age time.Duration
	var dead bool
	cmd := &cobra.Command{
		Use:   "tail",
		Short: "Print events as they arrive, until Ctrl-C",
		Long: `tail prints one line for each event that is stored from now on. The consumers do
not notice. With --output json each line is a JSON object that has the whole body,
which may contain personal data. With --dead it prints dead letters instead: the
stored ones first, then new ones.`,
		Example: "  cioctl tail\n  cioctl tail --since 10m --output json | jq .body\n  cioctl tail --dead",
	}
	cmd.Flags().Var(config.Span(&age, 0), "since", "start this far back, such as 10m (default: new events only)")
	cmd.Flags().Lookup("since").DefValue = "" // the help names the default
	cmd.Flags().BoolVar(&dead, "dead", false, "print dead letters instead of events")
	return c.onStream(cmd, func(ctx context.Context, conn *stream.Conn, _ []string) error {
		var since time.Time
		if age > 0 {
			since = time.Now().Add(-age)
		}
		if dead {
			return operate.TailDeadLetters(ctx, conn, since, func(d event.DeadLetter) bool { return c.printDead(out, d) == nil })
		}
		return operate.TailEvents(ctx, conn, since, func(a event.Attempt) bool { return c.printEvent(out, a) == nil })
	}, &out)
}

func (c *cli) printEvent(o output, a event.Attempt) error {
	if o.format == "json" {
		return json.NewEncoder(c.out).Encode(map[string]any{
			"sequence": a.Sequence, "workspace": a.Workspace, "id": a.ID, "received_at": a.ReceivedAt, "body": operate.JSONOrText(a.Body),
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
			"workspace": d.Workspace, "id": d.ID, "received_at": d.ReceivedAt, "died_at": d.DiedAt, "body": operate.JSONOrText(d.Body),
		})
	}
	_, err := fmt.Fprintf(c.out, "%s  from=%s reason=%s attempts=%d id=%s bytes=%d  %s\n", d.DiedAt.Local().Format(time.DateTime), d.From, d.Reason, d.Attempts, d.ID, len(d.Body), d.Err)
	return err
}
