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
	"github.com/vbauerster/mpb/v8"

	"github.com/cioevents/cioevents/internal/app/workerapp"
	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/operate"
	"github.com/cioevents/cioevents/internal/stream"
)

func (c *cli) replay() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "replay",
		Short: "Have stored events handled again",
		Long: `A replay reads events of the past from the stream once more, and has running
workers handle them as if they had just come. It lives in the stream: it goes on
when cioctl ends, when workers are restarted, and faster with more of them.`,
		Args: usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(c.replayStart(), c.replayList(), c.replayCancel())
	return cmd
}

type replayOptions struct {
	output
	cfg              stream.Config
	to, since, until string
	filter           []string
	wait             bool
}

func (c *cli) replayStart() *cobra.Command {
	var o replayOptions
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
	flags.StringVar(&o.to, "to", "", "the consumer that handles the events (required)")
	flags.StringVar(&o.since, "since", "", "the first time of storing, the beginning by default")
	flags.StringVar(&o.until, "until", "", "the time of storing to end before, now by default")
	flags.StringSliceVar(&o.filter, "filter", nil, "name=word, comma-separated: workspace, object_type, metric")
	flags.BoolVar(&o.wait, "wait", false, "show the progress until the end; Ctrl-C leaves the replay running")
	declare := func(s *config.Set) {
		o.cfg.Declare(s)
		o.declare(s)
	}
	return c.command(cmd, declare, func(ctx context.Context, _ []string) error {
		q, err := o.request(time.Now())
		if err != nil {
			return &config.UsageError{Err: err}
		}
		return withStream(ctx, o.cfg, func(conn *stream.Conn) error { return c.startReplay(ctx, conn, q, o) })
	})
}

// request reads the flags.
func (o *replayOptions) request(now time.Time) (q stream.ReplayRequest, err error) {
	q.Target, q.Filter = o.to, strings.Join(o.filter, ",")
	target, ok := workerapp.ParseReplayTarget(o.to)
	if !ok {
		return q, fmt.Errorf("--to: %q is not one of warehouse, warehouse-…, engagement, suppression, or the latter two with -WORKSPACE", o.to)
	}
	if q.Since, err = operate.ParseTime(o.since, now); err != nil {
		return q, fmt.Errorf("--since: %w", err)
	}
	if q.Until, err = operate.ParseTime(o.until, now); err != nil {
		return q, fmt.Errorf("--until: %w", err)
	}
	switch {
	case q.Until.After(now):
		return q, errors.New("--until: lies ahead; a replay ends with what is stored at its start, so leave it out")
	case !q.Until.IsZero() && !q.Since.Before(q.Until):
		return q, errors.New("--since: is not before --until")
	}
	f, err := operate.ParseFilter(o.filter)
	if err != nil {
		return q, fmt.Errorf("--filter: %w", err)
	}
	if target.Workspace != "" {
		if len(f.Workspaces) > 0 && !slices.Contains(f.Workspaces, target.Workspace) {
			return q, fmt.Errorf("--filter: %s takes the events of workspace %s only", o.to, target.Workspace)
		}
		f.Workspaces = []string{target.Workspace}
	}
	if len(target.Metrics) > 0 {
		words := texts(target.Metrics)
		if !f.Narrow(words) {
			return q, fmt.Errorf("--filter: %s does nothing about these metrics, only about %s", o.to, strings.Join(words, ", "))
		}
	}
	q.Subjects = stream.Select(f.Workspaces, f.ObjectTypes, f.Metrics)
	return q, nil
}

func (c *cli) startReplay(ctx context.Context, conn *stream.Conn, q stream.ReplayRequest, o replayOptions) error {
	r, err := conn.StartReplay(ctx, q)
	if errors.Is(err, stream.ErrNothingToReplay) {
		return fmt.Errorf("%w; cioctl status shows from when to when events are stored, and a word of --filter may be misspelt", err)
	}
	if err != nil {
		return err
	}
	if s, err := conn.Status(ctx); err == nil && !slices.ContainsFunc(s.Consumers, func(cons stream.ConsumerStatus) bool { return cons.Name == q.Target }) {
		_, _ = fmt.Fprintf(c.err, "no worker has ever had the consumer %s: the replay waits for one (cioctl status lists the consumers)\n", q.Target)
	}
	if o.wait {
		return c.waitReplay(ctx, conn, r, o.output)
	}
	if o.format == "json" {
		return o.print(c.out, r, nil)
	}
	_, err = fmt.Fprintf(c.out, "replay %s of %d events to %s has started\nSee how far it is with: cioctl replay list\n", r.ID, r.Total, r.Target)
	return err
}

// replayLook is the pause between two looks at a replay that is waited for. It
// is less than the time that workers leave a finished one in place.
const replayLook = time.Second

// waitReplay shows a replay's progress until its end.
func (c *cli) waitReplay(ctx context.Context, conn *stream.Conn, r *stream.Replay, o output) error {
	_, _ = fmt.Fprintf(c.err, "replay %s of %d events to %s\n", r.ID, r.Total, r.Target)
	bar, finish := c.bar(int64(r.Total)) //nolint:gosec // a number of events
	err := c.followReplay(ctx, conn, r, bar)
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

func (c *cli) followReplay(ctx context.Context, conn *stream.Conn, r *stream.Replay, bar *mpb.Bar) error {
	t := time.NewTicker(replayLook)
	defer t.Stop()
	begun, looks := false, 0
	for {
		left, now, err := conn.Remaining(ctx, r.ID)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, stream.ErrNoReplay):
			return fmt.Errorf("replay %s has been cancelled by somebody else", r.ID)
		case err == nil && now.Done:
			bar.SetCurrent(int64(r.Total)) //nolint:gosec // a number of events
			return nil
		case err == nil:
			bar.SetCurrent(int64(r.Total - left)) //nolint:gosec // a number of events
			begun = begun || now.Begun
		} // else NATS is away for a moment
		looks++
		if looks == 10 && !begun {
			_, _ = fmt.Fprintf(c.err, "no worker has taken it up yet: is one running with WORKER_CONSUMERS and WAREHOUSE_URL that include %s?\n", r.Target)
		}
		select {
		case <-t.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// A replayLine is a replay as it is listed.
type replayLine struct {
	stream.Replay
	State     string  `json:"state"` // waiting, running or done
	Remaining uint64  `json:"remaining"`
	Percent   float64 `json:"done_percent"`
	Rate      float64 `json:"events_per_second"`
	ETA       float64 `json:"eta_seconds"`
}

func (c *cli) replayList() *cobra.Command {
	var cfg stream.Config
	var o output
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the replays that are not finished",
		Long: `list shows how far the replays are, with the rate since their start. One that is
finished disappears after a few seconds. One that is waiting has no worker:
WORKER_CONSUMERS and WAREHOUSE_URL of a running one must include its target.`,
	}
	declare := func(s *config.Set) {
		cfg.Declare(s)
		o.declare(s)
	}
	return c.command(cmd, declare, func(ctx context.Context, _ []string) error {
		return withStream(ctx, cfg, func(conn *stream.Conn) error {
			list, err := replayLines(ctx, conn)
			if err != nil {
				return err
			}
			return o.print(c.out, list, func(w io.Writer) { replayTable(w, list) })
		})
	})
}

func replayLines(ctx context.Context, conn *stream.Conn) ([]replayLine, error) {
	list, err := conn.Replays(ctx)
	if err != nil {
		return nil, err
	}
	lines := []replayLine{}
	for i := range list {
		left, r, err := conn.Remaining(ctx, list[i].ID)
		if errors.Is(err, stream.ErrNoReplay) {
			continue // finished in this moment
		}
		if err != nil {
			return nil, err
		}
		p := operate.NewProgress(r.Total, left, time.Since(r.StartedAt))
		state := "waiting"
		switch {
		case r.Done:
			state = "done"
		case r.Begun:
			state = "running"
		}
		lines = append(lines, replayLine{*r, state, p.Remaining, p.Percent, p.Rate, p.ETA.Seconds()})
	}
	return lines, nil
}

func replayTable(w io.Writer, list []replayLine) {
	if len(list) == 0 {
		row(w, "no replays")
		return
	}
	row(w, "ID", "TARGET", "SINCE", "UNTIL", "FILTER", "EVENTS", "STATE", "DONE", "RATE", "ETA")
	for i := range list {
		l := &list[i]
		var eta any
		if l.ETA > 0 {
			eta = time.Duration(l.ETA) * time.Second
		}
		filter := l.Filter
		if filter == "" {
			filter = "-"
		}
		row(w, l.ID, l.Target, l.Since, l.Until, filter, l.Total, l.State, fmt.Sprintf("%.1f%%", l.Percent), fmt.Sprintf("%.0f/s", l.Rate), eta)
	}
}

func (c *cli) replayCancel() *cobra.Command {
	var cfg stream.Config
	cmd := &cobra.Command{
		Use:     "cancel ID",
		Short:   "End a replay; what it has done stays done",
		Example: "  cioctl replay cancel 20261124-121500-k3fd",
		Args:    cobra.ExactArgs(1),
	}
	return c.command(cmd, cfg.Declare, func(ctx context.Context, args []string) error {
		id := strings.TrimPrefix(args[0], "replay-")
		return withStream(ctx, cfg, func(conn *stream.Conn) error {
			err := conn.DeleteReplay(ctx, id)
			if errors.Is(err, stream.ErrNoReplay) {
				return fmt.Errorf("%w; cioctl replay list shows those that there are", err)
			}
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(c.out, "replay %s is cancelled\n", id)
			return err
		})
	})
}
