package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/fault"
	"github.com/cioevents/cioevents/internal/operate"
	"github.com/cioevents/cioevents/internal/stream"
)

func (c *cli) dead() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "dead",
		Short: "Look at dead letters, send them again, or drop them",
		Long: `A dead letter is a message that was given up, with its body and the reason. It
waits for 90 days for somebody to look at it:

  list      which there are, and why
  show      one of them
  redrive   send them again, when the cause is removed
  drop      delete them, when nobody needs them`,
		Args: usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(c.deadList(), c.deadShow(), c.deadRedrive(), c.deadDrop())
	return cmd
}

// deadOptions are what the commands that take several dead letters share.
type deadOptions struct {
	output
	cfg          stream.Config
	f            operate.DeadFilter
	since, until string
	all, dryRun  bool
}

func (o *deadOptions) flags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&o.f.From, "from", "", "only those that this consumer gave up, or ingest")
	flags.StringVar(&o.f.Reason, "reason", "", "only those with this reason")
	flags.StringVar(&o.f.Workspace, "workspace", "", "only those of this workspace")
	flags.StringVar(&o.f.Metric, "metric", "", "only those with this metric")
	flags.StringVar(&o.f.Subject, "subject", "", "only those whose message had this subject; * and > as in NATS")
	flags.StringVar(&o.since, "since", "", "only those that died at this time or later: 2026-11-01, -24h, -7d")
	flags.StringVar(&o.until, "until", "", "only those that died before this time")
}

func (o *deadOptions) declareAll(s *config.Set) {
	o.cfg.Declare(s)
	o.declare(s)
}

// read completes the filter from the flags and the arguments.
func (o *deadOptions) read(args []string, now time.Time) (err error) {
	if o.f.Since, err = operate.ParseTime(o.since, now); err != nil {
		return fmt.Errorf("--since: %w", err)
	}
	if o.f.Until, err = operate.ParseTime(o.until, now); err != nil {
		return fmt.Errorf("--until: %w", err)
	}
	if o.f.Reason != "" && !slices.Contains(fault.Reasons(), fault.Reason(o.f.Reason)) {
		return fmt.Errorf("--reason: %q is not one of %v", o.f.Reason, fault.Reasons())
	}
	for _, arg := range args {
		seq, err := strconv.ParseUint(arg, 10, 64)
		if err != nil {
			return fmt.Errorf("%q is no dead letter's number; cioctl dead list shows them", arg)
		}
		o.f.Entries = append(o.f.Entries, seq)
	}
	return nil
}

// each calls fn for every dead letter that is chosen.
func (o *deadOptions) each(ctx context.Context, conn *stream.Conn, fn func(*event.StoredDeadLetter)) error {
	return conn.ListDeadLetters(ctx, stream.DeadSelection{From: o.f.From, Reason: o.f.Reason}, func(b *event.StoredDeadLetter) bool {
		if o.f.Match(b) {
			fn(b)
		}
		return true
	})
}

// A deadLine is a dead letter as it is listed.
type deadLine struct {
	Number     uint64       `json:"seq"`
	DiedAt     time.Time    `json:"died_at"`
	From       string       `json:"from"`
	Reason     fault.Reason `json:"reason"`
	Attempts   int          `json:"attempts"`
	Subject    string       `json:"subject"`
	Sequence   uint64       `json:"message_seq"`
	Workspace  string       `json:"workspace"`
	ID         string       `json:"id"`
	ReceivedAt time.Time    `json:"received_at"`
	Size       int          `json:"bytes"`
	Missing    int          `json:"missing_parts,omitempty"`
	Err        string       `json:"error"`
	Body       any          `json:"body,omitempty"`
}

func newDeadLine(b *event.StoredDeadLetter) deadLine {
	return deadLine{
		Number: b.Entries[0], DiedAt: b.DiedAt, From: b.From, Reason: b.Reason, Attempts: b.Attempts, Subject: b.Subject,
		Sequence: b.Sequence, Workspace: b.Workspace, ID: b.ID, ReceivedAt: b.ReceivedAt, Size: b.Size, Missing: b.Missing, Err: b.Err,
	}
}

func (c *cli) deadList() *cobra.Command {
	var o deadOptions
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List dead letters, without their bodies",
		Example: "  cioctl dead list\n  cioctl dead list --from suppression --reason rejected --since -24h",
	}
	o.flags(cmd)
	return c.command(cmd, o.declareAll, func(ctx context.Context, args []string) error {
		if err := o.read(args, time.Now()); err != nil {
			return &config.UsageError{Err: err}
		}
		return withStream(ctx, o.cfg, func(conn *stream.Conn) error { return c.listDead(ctx, conn, &o) })
	})
}

func (c *cli) listDead(ctx context.Context, conn *stream.Conn, o *deadOptions) error {
	list := []deadLine{}
	if err := o.each(ctx, conn, func(b *event.StoredDeadLetter) { list = append(list, newDeadLine(b)) }); err != nil {
		return err
	}
	return o.print(c.out, list, func(w io.Writer) {
		if len(list) == 0 {
			row(w, "no dead letters")
			return
		}
		row(w, "SEQ", "DIED AT", "FROM", "REASON", "ATTEMPTS", "SUBJECT", "ERROR")
		for _, d := range list {
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
		Args:    cobra.ExactArgs(1),
	}
	cmd.Flags().BoolVar(&body, "body", false, "print the body, too")
	return c.command(cmd, o.declareAll, func(ctx context.Context, args []string) error {
		if err := o.read(args, time.Now()); err != nil {
			return &config.UsageError{Err: err}
		}
		return withStream(ctx, o.cfg, func(conn *stream.Conn) error { return c.showDead(ctx, conn, &o, body) })
	})
}

func (c *cli) showDead(ctx context.Context, conn *stream.Conn, o *deadOptions, body bool) error {
	var b *event.StoredDeadLetter
	if err := o.each(ctx, conn, func(found *event.StoredDeadLetter) { b = found }); err != nil {
		return err
	}
	if b == nil {
		return fmt.Errorf("there is no dead letter %d; cioctl dead list shows those that there are", o.f.Entries[0])
	}
	d := newDeadLine(b)
	if body {
		var err error
		if b, err = conn.ReadDeadLetter(ctx, b.Entries); err != nil {
			return err
		}
		d.Body = rawOrText(b.Body)
	}
	err := o.print(c.out, d, func(w io.Writer) { deadTable(w, &d) })
	if err != nil || !body || o.format == "json" {
		return err
	}
	_, err = fmt.Fprintf(c.out, "\n%s\n", b.Body)
	return err
}

func deadTable(w io.Writer, d *deadLine) {
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
