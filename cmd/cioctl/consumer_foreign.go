package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/operate"
	"github.com/cioevents/cioevents/internal/stream"
)

// wantForeign is the missing argument of the commands for consumers of other programs.
const wantForeign = "the NAME of a consumer of your own, such as slack-complaints"

func (c *cli) consumerCreate() *cobra.Command {
	var out output
	var order operate.ForeignOrder
	cmd := &cobra.Command{
		Use:   "create NAME",
		Short: "Create a consumer for a program of your own",
		Long: `create creates a durable pull consumer on the stream of events. Your program fetches
and acknowledges messages through the consumer, may store dead letters of its own, and
needs no other permission: see docs/consumers.md for the messages, the permissions, and
programs in Go and Node.

The filters select events. Values of one flag, comma-separated, are alternatives; an
event must match each flag. Without a flag the consumer gets every event.

--from now begins with the next event, --from beginning with the oldest stored event.
A time begins with the events stored since: -24h, -7d, 2026-11-01.

The consumer also gets what cioctl dead redrive and cioctl replay start send to NAME.
cioctl status and the alerts about lag cover the consumer. To create it again with the
same settings does nothing; to change it, delete it first.`,
		Example: `  cioctl consumer create slack-complaints --metric spammed --object-type email
  cioctl consumer create crm --workspace acme --from beginning`,
		Args: one(wantForeign),

		ValidArgsFunction: cobra.NoFileCompletions,
	}
	flags := declare(func(s *config.Set) {
		f := s.Flags()
		f.StringSliceVar(&order.Filter.Workspaces, "workspace", nil, "only these workspaces")
		f.StringSliceVar(&order.Filter.ObjectTypes, "object-type", nil, "only these object types, such as email")
		f.StringSliceVar(&order.Filter.Metrics, "metric", nil, "only these metrics, such as bounced")
		f.StringVar(&order.From, "from", "now", "first event: now, beginning, or a time such as -24h or 2026-11-01")
		filled(s, "workspace", "object-type", "metric", "from")
		s.Check(func() error {
			lower(order.Filter.ObjectTypes)
			lower(order.Filter.Metrics)
			order.Name = f.Arg(0)
			return flagError(order.Check(time.Now()))
		})
	})
	return c.onStream(cmd, func(ctx context.Context, conn *stream.Conn, _ []string) error {
		c.noteUnknown(&operate.EventFilter{Filter: order.Filter})
		s, err := operate.CreateForeign(ctx, conn, order)
		if errors.Is(err, stream.ErrConsumerExists) {
			return fmt.Errorf("%w: compare with cioctl consumer list; to change it, cioctl consumer delete %s and create it again", err, order.Name)
		}
		if err != nil {
			return err
		}
		return out.print(c.out, s, func(w io.Writer) {
			sayf(w, "consumer %s reads %s", s.Name, strings.Join(s.Filters, ", "))
			sayf(w, "%d stored messages wait for it", s.Lag)
		})
	}, &out, flags)
}

func (c *cli) consumerList() *cobra.Command {
	var out output
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the consumers, of the workers and of programs of your own",
		Long: `list shows every consumer of the stream. OWNER is worker, or other for the consumer
of another program. LAG counts the messages that a consumer has not handled yet. LAST
ACK is when the program has last handled one. READS are the subjects that select its
messages.`,
		Example: "  cioctl consumer list\n  cioctl consumer list --output json | jq '.[] | select(.foreign).name'",
	}
	return c.onStream(cmd, func(ctx context.Context, conn *stream.Conn, _ []string) error {
		list, err := operate.ListConsumers(ctx, conn)
		if err != nil {
			return err
		}
		return out.print(c.out, list, func(w io.Writer) { consumerTable(w, list) })
	}, &out)
}

func consumerTable(w io.Writer, list []operate.ListedConsumer) {
	row(w, "CONSUMER", "OWNER", "LAG", "IN FLIGHT", "LAST ACK", "READS")
	for i := range list {
		l := &list[i]
		owner, reads, last := "worker", "every message", any(nil)
		if l.Foreign {
			owner = "other"
		}
		if len(l.Filters) > 0 {
			reads = strings.Join(l.Filters, ", ")
		}
		if l.LastAck != nil {
			last = *l.LastAck
		}
		row(w, l.Name, owner, l.Lag, l.InFlight, last, whole(reads))
	}
}

func (c *cli) consumerDelete() *cobra.Command {
	var out output
	var yes bool
	cmd := &cobra.Command{
		Use:   "delete NAME",
		Short: "Delete the consumer of a program of your own, with its position",
		Long: `delete deletes a consumer that is not a worker's. Its program fails until you create
the consumer again, and the position is lost. Events and dead letters stay; its dead
letters can be redriven when you have created a consumer with the same name. delete asks
while messages wait for the consumer, unless --yes is given.`,
		Example: "  cioctl consumer delete slack-complaints",
		Args:    one(wantForeign),

		ValidArgsFunction: first(c.stored(foreignConsumers)),
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "delete without asking")
	valid := check(func() error { return flagError(operate.CheckForeign(cmd.Flags().Arg(0))) })
	return c.onStream(cmd, func(ctx context.Context, conn *stream.Conn, args []string) error {
		s, err := operate.ForeignStatus(ctx, conn, args[0])
		if err != nil {
			return err
		}
		if s.Lag > 0 && !yes {
			if err := whoConfirms(c.in, fmt.Sprintf("%d messages wait for %s; give --yes to delete it", s.Lag, s.Name)); err != nil {
				return err
			}
			if !c.confirm(ctx, fmt.Sprintf("Delete %s with %d messages that wait for it?", s.Name, s.Lag)) {
				return errors.New("nothing was deleted; --yes deletes without asking")
			}
		}
		if err := conn.DeleteConsumer(ctx, s.Name); err != nil {
			return err
		}
		return out.print(c.out, s, func(w io.Writer) { sayf(w, "consumer %s is deleted", s.Name) })
	}, &out, valid)
}

// foreignConsumers returns the consumers that cioctl consumer delete accepts.
func foreignConsumers(s *stream.Status) []string {
	return slices.DeleteFunc(consumerNames(s), func(name string) bool { return operate.CheckForeign(name) != nil })
}

// copyReplay stores the events of a replay again for a consumer of another program.
func (c *cli) copyReplay(ctx context.Context, conn *stream.Conn, q stream.ReplayRequest, out *output) error {
	r, err := conn.MeasureReplay(ctx, q)
	if err != nil {
		return explainEmpty(err)
	}
	bar, finish := c.bar(int64(r.Total)) //nolint:gosec // a number of events
	err = operate.CopyReplay(ctx, conn, r, bar.Increment)
	finish()
	if err != nil {
		return fmt.Errorf("%w; %d of %d events were sent to %s", err, bar.Current(), r.Total, r.Target)
	}
	r.Begun, r.Done = true, true
	return out.print(c.out, r, func(w io.Writer) { sayf(w, "%d events were sent to %s again", r.Total, r.Target) })
}
