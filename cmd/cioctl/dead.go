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
	"github.com/cioevents/cioevents/internal/terminal"
)

func (c *cli) dead() *cobra.Command {
	return group("dead", "List dead letters, redrive them or drop them",
		`A dead letter is a message that ingest or a consumer gave up on, with its body and
the reason. It is kept for 90 days. List the dead letters, show one of them, remove
the cause, then redrive them. Drop the ones that nobody needs.

  cioctl dead list
  cioctl dead show 17
  cioctl dead redrive --reason rejected --since -24h

The reasons, and what to do (docs/operations.md has more):

  not_json, not_object  signed, but no event: see what sends it
  too_large             raise max_payload of NATS
  rejected              the Track API refused the call: read the error
  rejected_row          the warehouse refused the row: report it
  exhausted             failed MAX_ATTEMPTS times: remove the cause in the error
  panic                 a fault of cioevents: report it
  unknown_workspace     the worker has no credentials: see CUSTOMERIO_WORKSPACES
  held_suppression      a bounce beyond SUPPRESSION_LIMIT: you decide`,
		c.deadList(), c.deadShow(), c.deadRedrive(), c.deadDrop())
}

// deadOptions holds the flags of the commands on several dead letters.
type deadOptions struct {
	output
	filter       operate.DeadFilter
	since, until string
	all, dryRun  bool
	yes          bool // change without a question
}

func (o *deadOptions) flags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&o.filter.From, "from", "", "only dead letters from this consumer, or from ingest")
	flags.StringVar(&o.filter.Reason, "reason", "", "only dead letters with this reason")
	flags.StringVar(&o.filter.Workspace, "workspace", "", "only dead letters of this workspace")
	flags.StringVar(&o.filter.Metric, "metric", "", "only dead letters with this metric")
	flags.StringVar(&o.filter.Subject, "subject", "", "only dead letters whose message had this subject; * and > work as in NATS")
	flags.StringVar(&o.filter.Text, "text", "", "only dead letters with this text in the error, in any case")
	flags.StringVar(&o.since, "since", "", "only dead letters from this time on: 2026-11-01, 2026-11-01T15:04:05Z, -24h or -7d")
	flags.StringVar(&o.until, "until", "", "only dead letters from before this time")
}

// Declare adds the settings and the checks to the set.
func (o *deadOptions) Declare(s *config.Set) {
	o.output.Declare(s)
	if s.Flags().Lookup("from") != nil { // show has no filters
		filled(s, "from", "reason", "workspace", "metric", "subject", "text", "since", "until")
	}
	s.Check(func() (err error) {
		o.filter.Since, o.filter.Until, err = operate.ParsePeriod(o.since, o.until, time.Now())
		return flagError(errors.Join(err, o.filter.Check()))
	})
}

// numbers adds the sequence numbers in args to the filter.
func (o *deadOptions) numbers(_ *cobra.Command, args []string) error {
	for _, arg := range args {
		n, err := strconv.ParseUint(arg, 10, 64)
		if err != nil {
			return fmt.Errorf("%q is not the number of a dead letter: want a SEQ from cioctl dead list", arg)
		}
		o.filter.Entries = append(o.filter.Entries, n)
	}
	return nil
}

func (c *cli) deadList() *cobra.Command {
	o := deadOptions{output: output{rawTo: c.out}}
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List dead letters with the reason and the error, without their bodies",
		Long: `list prints a line for each dead letter: its number SEQ for the other commands, when
it died, who gave up on it, and why. Long errors are cut; cioctl dead show SEQ has the
whole error. The filters exclude: a dead letter must match all that you give.

"no dead letters" with a filter may mean that the filter matches none: cioctl status
counts all of them. ERROR quotes what a server or a program said.`,
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
	o := deadOptions{output: output{rawTo: c.out}}
	var body, reveal bool
	cmd := &cobra.Command{
		Use:   "show SEQ",
		Short: "Show one dead letter, with --body also its body",
		Long: `show prints everything about one dead letter except the body, which may contain
personal data. With --body the body follows. E-mail addresses in the error and in the
body are masked (a…@mail.example) unless you say --reveal. SEQ is the number in the
list.

With --body --raw, show prints the body alone, byte for byte and with its addresses, to
a file or a pipe. In a terminal, control characters of the body are replaced.

"missing" says how many parts of a large body are not stored. A dead letter that was
redriven or dropped, or that is older than 90 days, does not exist any more.`,
		Example: "  cioctl dead show 17\n  cioctl dead show 17 --body\n  cioctl dead show 17 --body --raw > body.json",
		Args:    cobra.MatchAll(one("the number of a dead letter, see cioctl dead list"), o.numbers),
	}
	cmd.Flags().BoolVar(&body, "body", false, "also print the body")
	cmd.Flags().BoolVar(&reveal, "reveal", false, "show e-mail addresses")
	return c.onStream(cmd, func(ctx context.Context, conn *stream.Conn, args []string) error {
		d, err := operate.ShowDeadLetter(ctx, conn, o.filter.Entries[0], body)
		if errors.Is(err, event.ErrNoDeadLetter) {
			return fmt.Errorf("there is no dead letter %s; see cioctl dead list", args[0])
		}
		if err != nil {
			return err
		}
		if !reveal && !o.raw {
			d.Mask()
		}
		return c.showDead(&o, d, body)
	}, &o)
}

func (c *cli) showDead(o *deadOptions, d *operate.DeadLetter, body bool) error {
	if body && o.raw {
		_, err := c.out.Write(d.Raw)
		return err
	}
	err := o.print(c.out, d, func(w io.Writer) { deadTable(w, d) })
	if err == nil && body && o.format == "table" {
		_, err = fmt.Fprintf(c.out, "\n%s\n", terminal.Text(string(d.Raw)))
	}
	return err
}

func deadTable(w io.Writer, d *operate.DeadLetter) {
	row(w, "seq", d.Number)
	row(w, "died at", d.DiedAt)
	row(w, "from", d.From)
	row(w, "reason", d.Reason)
	row(w, "error", whole(d.Err))
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
