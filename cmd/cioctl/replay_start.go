package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/operate"
	"github.com/cioevents/cioevents/internal/stream"
)

func (c *cli) replayStart() *cobra.Command {
	var out output
	var order operate.ReplayOrder
	var request stream.ReplayRequest
	var o consent
	var wait bool
	cmd := &cobra.Command{
		Use:   "start",
		Short: "Start a replay",
		Long: `start starts a replay and returns. With --wait it shows the progress until the end.
For a replay to engagement or suppression, start first reads the events, shows how
many people they are about, and asks.

--to names the consumer that handles the events again: warehouse (warehouse-duckdb
and similar for a further warehouse), engagement or suppression. A warehouse keeps
the events that it already has as they are. A replay to suppression can DELETE
PROFILES again, including profiles that were restored in the meantime.

For a consumer of your own (cioctl consumer list), start stores the events again on a
subject that only this consumer reads, and ends when all are stored. The consumer's own
filters apply, too. The stream grows by the copies. After Ctrl-C the copies stay.

--since and --until select events by the time at which they were stored; --until
itself is not included. Write 2026-11-01 (UTC), 2026-11-01T15:04:05Z, -24h or -7d.
The default is all events that are stored now. Events that arrive later never
belong to a replay.

--filter selects by workspace, object_type and metric. Pairs with the same name are
alternatives.

start fails when no stored event matches: compare --since and --until with FIRST and
LAST of cioctl status, and the words in --filter with cioctl tail. A replay without a
worker waits: see cioctl replay list. A finished replay is in no list any more; its
events are in the result of --wait. A script needs --yes for a replay to engagement
or suppression.`,
		Example: `  cioctl replay start --to warehouse --wait
  cioctl replay start --to warehouse-bigquery --since 2026-11-01 --until 2026-11-08
  cioctl replay start --to suppression --since -7d --dry-run
  cioctl replay start --to engagement --since -24h --filter object_type=email,metric=clicked`,
	}
	flags := cmd.Flags()
	flags.StringVar(&order.Target, "to", "", "consumer that handles the events (required)")
	flags.StringVar(&order.Since, "since", "", "start with events that were stored at this time (default: the first event)")
	flags.StringVar(&order.Until, "until", "", "end before events that were stored at this time (default, and for a time ahead: now)")
	flags.StringSliceVar(&order.Filter, "filter", nil, "only matching events, comma-separated: workspace=NAME, object_type=email, metric=opened")
	flags.BoolVar(&wait, "wait", false, "show the progress until the end; after Ctrl-C the replay continues")
	flags.BoolVar(&o.yes, "yes", false, "start a replay to engagement or suppression without asking")
	flags.BoolVar(&o.dryRun, "dry-run", false, "only show what the replay covers")
	valid := check(func() (err error) {
		if request, err = order.Request(time.Now()); err != nil {
			return flagError(err)
		}
		if !operate.NeedsPreview(request.Target) {
			return nil
		}
		return o.canAsk(c.in)
	})
	given := declare(func(s *config.Set) { filled(s, "since", "until", "filter") })
	return c.onStream(cmd, func(ctx context.Context, conn *stream.Conn, _ []string) error {
		foreign := operate.CheckForeign(request.Target) == nil
		if foreign {
			if err := operate.NarrowToForeign(ctx, conn, &request); err != nil {
				return flagError(err)
			}
		}
		if done, err := c.announceReplay(ctx, conn, request, &o, &out); done || err != nil {
			return err
		}
		if foreign {
			return c.copyReplay(ctx, conn, request, &out)
		}
		r, err := c.startReplay(ctx, conn, request)
		switch {
		case err != nil:
			return err
		case wait:
			return c.waitReplay(ctx, conn, r, out)
		}
		return out.print(c.out, r, func(w io.Writer) {
			sayf(w, "replay %s of %d events to %s has started", r.ID, r.Total, r.Target)
			row(w, "See its progress with: cioctl replay list")
		})
	}, &o, &out, given, valid)
}

// announceReplay shows what a replay covers and asks. It reports whether the command is
// done: with --dry-run.
func (c *cli) announceReplay(ctx context.Context, conn *stream.Conn, q stream.ReplayRequest, o *consent, out *output) (done bool, err error) {
	if !o.dryRun && !operate.NeedsPreview(q.Target) {
		return false, nil
	}
	r, err := conn.MeasureReplay(ctx, q)
	if err != nil {
		return false, explainEmpty(err)
	}
	preview := &operate.Preview{Events: r.Total}
	if operate.NeedsPreview(q.Target) {
		if preview, err = c.preview(ctx, conn, r, o); err != nil {
			return false, err
		}
	}
	if o.dryRun {
		return true, out.print(c.out, preview, func(w io.Writer) { sayf(w, "nothing was started; %d events are selected", r.Total) })
	}
	if !o.yes && !c.confirm(ctx, "Start the replay to "+q.Target+"?") {
		return false, errNotConfirmed
	}
	return false, nil
}

// explainEmpty adds to ErrNothingToReplay what to check.
func explainEmpty(err error) error {
	if errors.Is(err, stream.ErrNothingToReplay) {
		return fmt.Errorf("%w; compare --since and --until with the first and the last event in cioctl status, and check the spelling in --filter", err)
	}
	return err
}

func (c *cli) startReplay(ctx context.Context, conn *stream.Conn, q stream.ReplayRequest) (*stream.Replay, error) {
	r, hasConsumer, err := operate.StartReplay(ctx, conn, q)
	if err != nil {
		return nil, explainEmpty(err)
	}
	if !hasConsumer {
		c.tellf("no worker has ever had the consumer %s: the replay waits for such a worker (cioctl status lists the consumers)", q.Target)
	}
	return r, nil
}

// hintAfter is the number of looks, one a second, after which waitReplay tells the
// operator that no worker has begun.
const hintAfter = 10

// waitReplay shows the progress of a replay until the end. After Ctrl-C the replay
// continues, and waitReplay returns no error.
func (c *cli) waitReplay(ctx context.Context, conn *stream.Conn, r *stream.Replay, o output) error {
	c.tellf("replay %s of %d events to %s", r.ID, r.Total, r.Target)
	bar, finish := c.bar(int64(r.Total)) //nolint:gosec // a number of events
	looks := 0
	err := operate.FollowReplay(ctx, conn, r, func(handled uint64, begun bool) {
		bar.SetCurrent(int64(handled)) //nolint:gosec // a number of events
		looks++
		if looks == hintAfter && !begun {
			c.tellf("no worker has begun yet: check that a worker is running whose WORKER_CONSUMERS and WAREHOUSE_URL include %s", r.Target)
		}
	})
	finish()
	switch {
	case errors.Is(err, context.Canceled):
		c.tellf("replay %s goes on; see its progress with: cioctl replay list, end it with: cioctl replay cancel %s", r.ID, r.ID)
		if o.format != "json" {
			return nil
		}
	case err != nil:
		return err
	default:
		r.Begun, r.Done = true, true
	}
	return o.print(c.out, r, func(w io.Writer) {
		sayf(w, "replay %s is finished: %d events to %s", r.ID, r.Total, r.Target)
	})
}
