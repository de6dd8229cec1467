package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cioevents/cioevents/internal/operate"
	"github.com/cioevents/cioevents/internal/stream"
)

func (c *cli) replay() *cobra.Command {
	return group("replay", "Have workers handle stored events again",
		`A replay reads stored events from the stream once more and has running workers
handle them like new events. Use it to fill a new warehouse, or to apply changed
rules to the past.

The state of a replay is in the stream. The replay continues when cioctl ends and
when workers restart, and more workers make it faster.

  cioctl replay start --to warehouse
  cioctl replay list`,
		c.replayStart(), c.replayList(), c.replayCancel())
}

func (c *cli) replayList() *cobra.Command {
	var out output
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the replays that are not finished",
		Long: `list shows the progress of each replay, with the rate since its start. A finished
replay disappears after a few seconds. A replay that stays in the state "waiting"
has no worker: run a worker whose WORKER_CONSUMERS and WAREHOUSE_URL include the
target of the replay. SINCE, UNTIL and FILTER are those of cioctl replay start, in UTC.`,
		Example: "  cioctl replay list\n  watch cioctl replay list",
	}
	return c.onStream(cmd, func(ctx context.Context, conn *stream.Conn, _ []string) error {
		list, err := operate.ListReplays(ctx, conn)
		if err != nil {
			return err
		}
		return out.print(c.out, list, func(w io.Writer) { replayTable(w, list) })
	}, &out)
}

func replayTable(w io.Writer, list []operate.ReplayStatus) {
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
		row(w, l.ID, l.Target, l.Since, l.Until, cmp.Or(l.Filter, "-"), l.Total, l.State, fmt.Sprintf("%.1f%%", l.Percent), fmt.Sprintf("%.0f/s", l.Rate), eta)
	}
}

func (c *cli) replayCancel() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "cancel ID",
		Short: "End a replay; effects that happened already stay",
		Long: `cancel ends a replay. Workers finish the events that they are handling; all further
events of the replay stay as they are. Effects and rows of handled events stay, too.
A cancelled replay cannot continue: start another one with --since.

A replay that is finished or cancelled does not exist any more: exit code 1.`,
		Example: "  cioctl replay cancel 20261124-121500-k3fd",
		Args:    one("the ID of a replay, see cioctl replay list"),

		ValidArgsFunction: first(c.stored(replayIDs)),
	}
	return c.onStream(cmd, func(ctx context.Context, conn *stream.Conn, args []string) error {
		id := strings.TrimPrefix(args[0], "replay-") // id may be the name of the replay's consumer
		err := conn.DeleteReplay(ctx, id)
		if errors.Is(err, stream.ErrNoReplay) {
			return fmt.Errorf("%w; see cioctl replay list", err)
		}
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(c.out, "replay %s is cancelled\n", id)
		return err
	})
}
