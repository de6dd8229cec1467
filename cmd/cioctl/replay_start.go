package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/cioevents/cioevents/internal/operate"
	"github.com/cioevents/cioevents/internal/stream"
)

func (c *cli) replayStart() *cobra.Command {
	var out output
	var order operate.ReplayOrder
	var request stream.ReplayRequest
	var wait bool
	cmd := &cobra.Command{
		Use:   "start",
		Short: "Start a replay",
		Long: `start begins a replay and returns; with --wait it shows how far the replay is.

--to names the consumer that handles the events: warehouse, or warehouse-duckdb
and the like for a further warehouse, or engagement, or suppression. A warehouse
that has an event keeps it as it is. A replay to suppression can DELETE PROFILES
again, also those that were restored since.

--since and --until bound the time of storing; --until itself is not included.
They are written 2026-11-01 (UTC), 2026-11-01T15:04:05Z, -24h or -7d. The default
is all that is stored now. Events that come later never belong to a replay.

--filter narrows by workspace, object_type and metric; one name twice means
either.`,
		Example: `  cioctl replay start --to warehouse --wait
  cioctl replay start --to warehouse-bigquery --since 2026-11-01 --until 2026-11-08
  cioctl replay start --to engagement --since -24h --filter object_type=email,metric=clicked`,
	}
	flags := cmd.Flags()
	flags.StringVar(&order.Target, "to", "", "the consumer that handles the events (required)")
	flags.StringVar(&order.Since, "since", "", "the first time of storing, the beginning by default")
	flags.StringVar(&order.Until, "until", "", "the time of storing to end before, now by default")
	flags.StringSliceVar(&order.Filter, "filter", nil, "name=word, comma-separated: workspace, object_type, metric")
	flags.BoolVar(&wait, "wait", false, "show the progress until the end; Ctrl-C leaves the replay running")
	valid := check(func() (err error) {
		request, err = order.Request(time.Now())
		return flagError(err)
	})
	return c.onStream(cmd, func(ctx context.Context, conn *stream.Conn, _ []string) error {
		r, err := c.startReplay(ctx, conn, request)
		switch {
		case err != nil:
			return err
		case wait:
			return c.waitReplay(ctx, conn, r, out)
		}
		return out.print(c.out, r, func(w io.Writer) {
			row(w, fmt.Sprintf("replay %s of %d events to %s has started", r.ID, r.Total, r.Target))
			row(w, "See how far it is with: cioctl replay list")
		})
	}, &out, valid)
}

func (c *cli) startReplay(ctx context.Context, conn *stream.Conn, q stream.ReplayRequest) (*stream.Replay, error) {
	r, hasConsumer, err := operate.StartReplay(ctx, conn, q)
	if errors.Is(err, stream.ErrNothingToReplay) {
		return nil, fmt.Errorf("%w; cioctl status shows from when to when events are stored, and a word of --filter may be misspelt", err)
	}
	if err == nil && !hasConsumer {
		_, _ = fmt.Fprintf(c.err, "no worker has ever had the consumer %s: the replay waits for one (cioctl status lists the consumers)\n", q.Target)
	}
	return r, err
}

// patience is the number of looks, one a second, after which a replay that no
// worker has begun gets a hint.
const patience = 10

// waitReplay shows a replay's progress until its end.
func (c *cli) waitReplay(ctx context.Context, conn *stream.Conn, r *stream.Replay, o output) error {
	_, _ = fmt.Fprintf(c.err, "replay %s of %d events to %s\n", r.ID, r.Total, r.Target)
	bar, finish := c.bar(int64(r.Total)) //nolint:gosec // a number of events
	looks := 0
	err := operate.FollowReplay(ctx, conn, r, func(handled uint64, begun bool) {
		bar.SetCurrent(int64(handled)) //nolint:gosec // a number of events
		if looks++; looks == patience && !begun {
			_, _ = fmt.Fprintf(c.err, "no worker has taken it up yet: is one running with WORKER_CONSUMERS and WAREHOUSE_URL that include %s?\n", r.Target)
		}
	})
	finish()
	switch {
	case errors.Is(err, context.Canceled):
		_, _ = fmt.Fprintf(c.err, "replay %s goes on; see it with: cioctl replay list, end it with: cioctl replay cancel %s\n", r.ID, r.ID)
		if o.format != "json" {
			return nil
		}
	case err != nil:
		return err
	default:
		r.Begun, r.Done = true, true
	}
	return o.print(c.out, r, func(w io.Writer) {
		row(w, fmt.Sprintf("replay %s is finished: %d events to %s", r.ID, r.Total, r.Target))
	})
}
