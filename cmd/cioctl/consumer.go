package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/cioevents/cioevents/internal/operate"
	"github.com/cioevents/cioevents/internal/stream"
)

func (c *cli) consumer() *cobra.Command {
	return group("consumer", "Create consumers for programs of your own, and choose where a consumer goes on",
		`A consumer is the position of a program in the stream of events. Each program has its
own, and sees every event that its filter selects at least once. docs/consumers.md is
the contract for programs of your own.

  cioctl consumer create slack-complaints --metric spammed --object-type email
  cioctl consumer list

A worker stores how far its effects consumers have come, and restores a consumer
that somebody has deleted or edited. A worker that does not know the position stands
still: it is not ready, and cioctl status prints the command to run.

  cioctl consumer start suppression --from 4711`,
		c.consumerCreate(), c.consumerList(), c.consumerDelete(), c.consumerStart())
}

func (c *cli) consumerStart() *cobra.Command {
	var out output
	var o consent
	var order operate.ConsumerOrder
	cmd := &cobra.Command{
		Use:   "start NAME --from now|beginning|SEQ",
		Short: "Make an effects consumer go on at a position",
		Long: `start deletes the consumer NAME and stores the position. A worker creates the
consumer again within seconds, and goes on there.

--from SEQ goes on with the event of this sequence, --from beginning with the oldest
stored event, and --from now with the next event. Going back can DELETE PROFILES
again, including profiles that were restored in the meantime; skipped events never
have an effect. start shows both and asks, unless --yes is given.

NAME is suppression or engagement, or with the name of a workspace suppression-acme.
Without a running worker that has the consumer in WORKER_CONSUMERS, the position is
stored, and nothing goes on until such a worker starts. A script needs --yes: without a
terminal nobody can answer. To have a warehouse read again, use cioctl replay start.`,
		Example: "  cioctl consumer start suppression --from 4711\n  cioctl consumer start engagement-acme --from now --dry-run",
		Args:    one("the NAME of an effects consumer, see cioctl status"),

		ValidArgsFunction: first(c.stored(effectsConsumers)),
	}
	flags := cmd.Flags()
	flags.StringVar(&order.From, "from", "", "position: now, beginning, or the sequence of the first event to handle (required)")
	flags.BoolVar(&o.yes, "yes", false, "start without asking")
	flags.BoolVar(&o.dryRun, "dry-run", false, "only show what changes")
	valid := check(func() error {
		order.Name = cmd.Flags().Arg(0)
		if err := order.Check(); err != nil {
			return flagError(err)
		}
		return o.canAsk(c.in)
	})
	return c.onStream(cmd, func(ctx context.Context, conn *stream.Conn, _ []string) error {
		s, err := operate.PlanConsumer(ctx, conn, order)
		if err != nil {
			return err
		}
		return c.startConsumer(ctx, conn, s, &o, &out)
	}, &o, &out, valid)
}

func (c *cli) startConsumer(ctx context.Context, conn *stream.Conn, s *operate.ConsumerStart, o *consent, out *output) error {
	if s.Repeated != nil {
		if _, err := c.preview(ctx, conn, s.Repeated, o); err != nil {
			return err
		}
	}
	if s.Skipped > 0 {
		c.tellf("%s skips %d stored events: they never have an effect.", s.Name, s.Skipped)
	}
	if o.dryRun {
		return out.print(c.out, s, func(w io.Writer) { row(w, "nothing was changed") })
	}
	asks := s.Repeated != nil || s.Skipped > 0
	if asks && !o.yes && !c.confirm(ctx, fmt.Sprintf("Make %s go on after %d?", s.Name, s.After)) {
		return errNotConfirmed
	}
	if err := operate.StartConsumer(ctx, conn, s); err != nil {
		return err
	}
	return out.print(c.out, s, func(w io.Writer) {
		sayf(w, "%s goes on after message %d as soon as a worker has created it again, within seconds", s.Name, s.After)
	})
}
