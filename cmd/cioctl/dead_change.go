package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cioevents/cioevents/internal/fault"
	"github.com/cioevents/cioevents/internal/operate"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/terminal"
)

// A deadAction is what a command does with the selected dead letters.
type deadAction struct {
	// irreversible reports whether the command must ask. Called after the flags are read.
	irreversible func() bool
	// plan prints more than the list with --dry-run; nil for the list alone.
	plan   func(context.Context, *stream.Conn, [][]uint64) error
	change func(context.Context, *stream.Conn, [][]uint64) error
}

// deadChange completes a command that changes the selected dead letters. With --dry-run
// the command only lists the dead letters.
func (c *cli) deadChange(cmd *cobra.Command, o *deadOptions, action deadAction) *cobra.Command {
	o.flags(cmd)
	cmd.Flags().BoolVar(&o.all, "all", false, "select all dead letters")
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "only list the selected dead letters")
	cmd.Args = o.numbers
	chosen := check(func() error {
		if o.filter.Empty() && !o.all { // do not change everything by mistake
			return errors.New("no dead letters selected: give numbers from cioctl dead list, a filter such as --from or --reason, or --all")
		}
		if !action.irreversible() || o.yes || o.dryRun {
			return nil
		}
		return whoConfirms(c.in, "give --yes to delete, or --dry-run to look")
	})
	return c.onStream(cmd, func(ctx context.Context, conn *stream.Conn, _ []string) error {
		letters, err := operate.SelectDeadLetters(ctx, conn, &o.filter)
		if err != nil {
			return err
		}
		missing := o.missing(letters)
		if len(letters) == 0 && missing == nil {
			c.tellf("no dead letter is selected; see cioctl dead list")
		}
		run := action.change
		if o.dryRun {
			run = func(ctx context.Context, conn *stream.Conn, letters [][]uint64) error {
				err := c.listDead(ctx, conn, o)
				if err == nil && action.plan != nil {
					err = action.plan(ctx, conn, letters)
				}
				return err
			}
		}
		return errors.Join(run(ctx, conn, letters), missing)
	}, o, chosen)
}

// missing returns an error that names the numbers without a selected dead letter.
func (o *deadOptions) missing(letters [][]uint64) error {
	var names []string
	for _, n := range o.filter.Entries {
		if !slices.ContainsFunc(letters, func(entries []uint64) bool { return slices.Contains(entries, n) }) {
			names = append(names, strconv.FormatUint(n, 10))
		}
	}
	if len(names) == 0 {
		return nil
	}
	return fmt.Errorf("no dead letter has the number %s, or a filter excludes it; see cioctl dead list", strings.Join(names, ", "))
}

func (c *cli) deadRedrive() *cobra.Command {
	var o deadOptions
	cmd := &cobra.Command{
		Use:   "redrive [SEQ ...]",
		Short: "Send dead letters again to the consumer that gave up on them",
		Long: `redrive sends each selected dead letter again, then deletes it. Only the consumer
that gave up on the message gets it. A dead letter of ingest is parsed again: it
becomes a normal event, or it stays when the body still cannot be parsed.

A suppression that SUPPRESSION_LIMIT has held is sent again only with
--reason held_suppression. The worker then suppresses the person without counting:
the profile is deleted for good. So redrive asks first; a script needs --yes.

A replay to suppression holds an event once more: the list has the event twice. redrive
and drop select all of these dead letters, whichever you name, and a redrive sends one.

Remove the cause first; otherwise the dead letters come back. To continue after an
interruption, run the command again: no message is sent twice. "kept" in the result is
a dead letter that stays, with the cause; "gone" is one that somebody else has redriven
or dropped meanwhile. Without a worker that runs the consumer, the message waits in the
stream.

Kept dead letters do not change the exit code: read the result. A number without a dead
letter is an error, after the others have been redriven.`,
		Example: "  cioctl dead redrive 17 18\n  cioctl dead redrive --from suppression --since -24h\n  cioctl dead redrive --all --dry-run\n  cioctl dead redrive --reason held_suppression --workspace acme",
	}
	cmd.Flags().BoolVar(&o.yes, "yes", false, "redrive held suppressions without asking")
	release := func() bool { return o.filter.Reason == string(fault.ReasonHeldSuppression) }
	return c.deadChange(cmd, &o, deadAction{
		irreversible: release,
		plan: func(ctx context.Context, conn *stream.Conn, letters [][]uint64) error {
			plan, _, err := operate.PlanRedrive(ctx, conn, letters, release())
			for _, why := range slices.Sorted(maps.Keys(plan.Kept)) {
				c.tellf("kept  %d  %s", plan.Kept[why], why)
			}
			return err
		},
		change: func(ctx context.Context, conn *stream.Conn, letters [][]uint64) error {
			if release() && !o.yes && len(letters) > 0 {
				if err := c.confirmRelease(ctx, conn, letters); err != nil {
					return err
				}
			}
			return c.redrive(ctx, conn, letters, release(), &o.output)
		},
	})
}

// confirmRelease asks before held suppressions delete profiles.
func (c *cli) confirmRelease(ctx context.Context, conn *stream.Conn, letters [][]uint64) error {
	plan, people, err := operate.PlanRedrive(ctx, conn, letters, true)
	if err != nil {
		return err
	}
	c.tellf("The worker suppresses the people of these dead letters: their profiles are DELETED for good.")
	if !c.confirm(ctx, fmt.Sprintf("Redrive %s, people: %d?", count(plan.Redriven, "held suppression"), people)) {
		return errors.New("nothing was redriven; --yes redrives without asking")
	}
	return nil
}

func (c *cli) redrive(ctx context.Context, conn *stream.Conn, letters [][]uint64, release bool, out *output) error {
	bar, finish := c.bar(int64(len(letters)))
	report, err := operate.RedriveDeadLetters(ctx, conn, letters, release, bar.Increment)
	finish()
	if err != nil {
		err = fmt.Errorf("%w; run the command again to continue with the rest", err)
	}
	return errors.Join(err, out.print(c.out, report, func(w io.Writer) { redriveTable(w, &report) }))
}

func redriveTable(w io.Writer, r *operate.RedriveReport) {
	row(w, "redriven", r.Redriven)
	if r.Gone > 0 {
		row(w, "gone", r.Gone)
	}
	for _, why := range slices.Sorted(maps.Keys(r.Kept)) {
		row(w, "kept", r.Kept[why], why)
	}
}

func (c *cli) deadDrop() *cobra.Command {
	var o deadOptions
	cmd := &cobra.Command{
		Use:   "drop [SEQ ...]",
		Short: "Delete dead letters for good",
		Long: `drop asks, then deletes the selected dead letters. They cannot be recovered: the
NATS server overwrites their bytes on disk. The event of a consumer's dead letter
stays in the stream until it is too old. A dead letter of ingest is the only copy of
its body.

Look first: --dry-run lists what would be deleted. A script needs --yes: without a
terminal nobody can answer. After an interruption, run the command again for the rest.`,
		Example: "  cioctl dead drop 17\n  cioctl dead drop --from ingest --until -30d --dry-run\n  cioctl dead drop --from ingest --reason not_json --until -30d --yes",
	}
	cmd.Flags().BoolVar(&o.yes, "yes", false, "delete without asking")
	drop := func(ctx context.Context, conn *stream.Conn, letters [][]uint64) error {
		if len(letters) > 0 && !o.yes && !c.confirm(ctx, fmt.Sprintf("Delete %s for good?", count(len(letters), "dead letter"))) {
			return errors.New("nothing was deleted; --yes deletes without asking")
		}
		bar, finish := c.bar(int64(len(letters)))
		dropped, err := operate.DropDeadLetters(ctx, conn, letters, bar.Increment)
		finish()
		return errors.Join(err, o.print(c.out, map[string]int{"dropped": dropped}, func(w io.Writer) { row(w, "dropped", dropped) }))
	}
	return c.deadChange(cmd, &o, deadAction{irreversible: func() bool { return true }, change: drop})
}

// count returns a number with its noun.
func count(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}

// confirm asks a question and reports whether the answer is y or yes.
func (c *cli) confirm(ctx context.Context, question string) bool {
	_, _ = fmt.Fprintf(c.err, "%s [y/N] ", terminal.Line(question))
	answer, _ := bufio.NewReader(c.stdin(ctx)).ReadString('\n')
	return slices.Contains([]string{"y", "yes"}, strings.ToLower(strings.TrimSpace(answer)))
}
