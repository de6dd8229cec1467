package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/operate"
	"github.com/cioevents/cioevents/internal/stream"
)

func (c *cli) dead() *cobra.Command {
	return group("dead", "Look at dead letters, send them again, or drop them",
		`A dead letter is a message that was given up, with its body and the reason. It
waits for 90 days for somebody to look at it:

  list      which there are, and why
  show      one of them
  redrive   send them again, when the cause is removed
  drop      delete them, when nobody needs them`,
		c.deadList(), c.deadShow(), c.deadRedrive(), c.deadDrop())
}

// deadOptions are the flags of the commands that take several dead letters.
type deadOptions struct {
	output
	filter       operate.DeadFilter
	since, until string
	all, dryRun  bool
	yes          bool // do not ask
}

func (o *deadOptions) flags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&o.filter.From, "from", "", "only those that this consumer gave up, or ingest")
	flags.StringVar(&o.filter.Reason, "reason", "", "only those with this reason")
	flags.StringVar(&o.filter.Workspace, "workspace", "", "only those of this workspace")
	flags.StringVar(&o.filter.Metric, "metric", "", "only those with this metric")
	flags.StringVar(&o.filter.Subject, "subject", "", "only those whose message had this subject; * and > as in NATS")
	flags.StringVar(&o.since, "since", "", "only those that died at this time or later: 2026-11-01, -24h, -7d")
	flags.StringVar(&o.until, "until", "", "only those that died before this time")
}

// Declare adds the settings and the checks to the set.
func (o *deadOptions) Declare(s *config.Set) {
	o.output.Declare(s)
	s.Check(func() (err error) {
		if o.filter.Since, o.filter.Until, err = operate.ParsePeriod(o.since, o.until, time.Now()); err != nil {
			return flagError(err)
		}
		return flagError(o.filter.Check())
	})
}

// numbers adds the arguments to the filter.
func (o *deadOptions) numbers(_ *cobra.Command, args []string) error {
	for _, arg := range args {
		n, err := strconv.ParseUint(arg, 10, 64)
		if err != nil {
			return fmt.Errorf("%q is no dead letter's number; cioctl dead list shows them", arg)
		}
		o.filter.Entries = append(o.filter.Entries, n)
	}
	return nil
}

func (c *cli) deadList() *cobra.Command {
	var o deadOptions
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List dead letters, without their bodies",
		Example: "  cioctl dead list\n  cioctl dead list --from suppression --reason rejected --since -24h",
	}
	o.flags(cmd)
	return c.onStream(cmd, func(ctx context.Context, conn *stream.Conn, _ []string) error { return c.listDead(ctx, conn, &o) }, &o)
}

func (c *cli) listDead(ctx context.Context, conn *stream.Conn, o *deadOptions) error {
	list, err := operate.ListDeadLetters(ctx, conn, &o.filter)
	if err != nil {
		return err
	}
	return o.print(c.out, list, func(w io.Writer) {
		if len(list) == 0 {
			row(w, "no dead letters")
			return
		}
		row(w, "SEQ", "DIED AT", "FROM", "REASON", "ATTEMPTS", "SUBJECT", "ERROR")
		for i := range list {
			d := &list[i]
			row(w, d.Number, d.DiedAt, d.From, d.Reason, d.Attempts, d.Subject, d.Err)
		}
	})
}

func (c *cli) deadShow() *cobra.Command {
	var o deadOptions
	var body bool
	cmd := &cobra.Command{
		Use:     "show SEQ",
		Short:   "Show one dead letter, its body only with --body",
		Long:    "show prints what is known of a dead letter. The body may hold personal data, so\nit is printed only when asked for: byte for byte, after everything else.",
		Example: "  cioctl dead show 17\n  cioctl dead show 17 --body",
		Args:    cobra.MatchAll(cobra.ExactArgs(1), o.numbers),
	}
	cmd.Flags().BoolVar(&body, "body", false, "print the body, too")
	return c.onStream(cmd, func(ctx context.Context, conn *stream.Conn, args []string) error {
		d, err := operate.ShowDeadLetter(ctx, conn, o.filter.Entries[0], body)
		if errors.Is(err, event.ErrNoDeadLetter) {
			return fmt.Errorf("there is no dead letter %s; cioctl dead list shows those that there are", args[0])
		}
		if err != nil {
			return err
		}
		err = o.print(c.out, d, func(w io.Writer) { deadTable(w, d) })
		if err == nil && body && o.format == "table" {
			_, err = fmt.Fprintf(c.out, "\n%s\n", d.Raw)
		}
		return err
	}, &o)
}

func deadTable(w io.Writer, d *operate.DeadLetter) {
	row(w, "seq", d.Number)
	row(w, "died at", d.DiedAt)
	row(w, "from", d.From)
	row(w, "reason", d.Reason)
	row(w, "error", d.Err)
	row(w, "attempts", d.Attempts)
	row(w, "subject", d.Subject)
	row(w, "message", d.Sequence)
	row(w, "workspace", d.Workspace)
	row(w, "id", d.ID)
	row(w, "received at", d.ReceivedAt)
	row(w, "bytes", d.Size)
	if d.Missing > 0 {
		row(w, "missing", fmt.Sprintf("%d parts of the body", d.Missing))
	}
}
