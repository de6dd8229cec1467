package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/terminal"
)

func (c *cli) stream() *cobra.Command {
	return group("stream", "Change settings of the running streams",
		`The streams CUSTOMERIO (events) and CUSTOMERIO_DEAD (dead letters) get their settings
when a program creates them. Later a changed setting of a program has no effect on the
running streams: the programs and cioctl status report the difference, and apply
changes the streams. A setting that you leave out goes back to its default value, so
give apply all settings of your deployment:

  cioctl stream apply --stream-replicas 3 --stream-max-age 720h \
    --stream-max-bytes 42GiB --dedup-window 2h`, c.streamApply())
}

func (c *cli) streamApply() *cobra.Command {
	var target stream.Settings
	var less bool
	cmd := &cobra.Command{
		Use: "apply", Short: "Set replicas, age, sizes and de-duplication window of the running streams",
		Long: `apply sets the replicas, the age, the sizes and the de-duplication window of the
running streams to the settings of the worker. It always sets all: a setting that you
leave out gets its default value. It also sets back properties that somebody has
edited, such as the discard policy.

apply refuses what would keep less, and then changes nothing: fewer replicas, a shorter
age, which deletes older events, a shorter de-duplication window, which stores later
repeats of an event again, or a size below what the stream stores, which makes ingest
refuse every event. --less allows it. apply prints the old and the new value of
each change, then "applied", or "nothing to change". "not changed" after these names a
property that NATS cannot change.

Give the settings as the worker has them, best by its environment.`,
		Example: "  cioctl stream apply --stream-replicas 3 --stream-max-age 720h --stream-max-bytes 42GiB --dedup-window 2h",
	}
	cmd.Flags().BoolVar(&less, "less", false, "allow fewer replicas, a shorter age, which deletes events, a shorter de-duplication window, and a size below what is stored")
	return c.onStream(cmd, func(ctx context.Context, conn *stream.Conn, _ []string) error {
		if target.DedupWindow > target.MaxAge {
			c.tellf("DEDUP_WINDOW is longer than STREAM_MAX_AGE: the stream cannot remember an id for longer than an event, so STREAM_MAX_AGE applies")
		}
		changes, err := conn.Changes(ctx, target)
		if err != nil {
			return err
		}
		err = conn.Apply(ctx, target, less)
		if errors.Is(err, stream.ErrLess) {
			return fmt.Errorf("%w. Give the settings that are missing, or allow the loss with --less", err)
		}
		if err != nil {
			return err
		}
		for _, line := range changes {
			_, _ = fmt.Fprintln(c.out, terminal.Line(line)) // somebody may have edited the stream
		}
		_, _ = fmt.Fprintln(c.out, map[bool]string{true: "applied", false: "nothing to change"}[len(changes) > 0])
		s, err := conn.Status(ctx)
		if err != nil {
			return err
		}
		for _, p := range s.Problems { // NATS refuses to change these
			c.tellf("not changed: %s", p)
		}
		return nil
	}, &target)
}
