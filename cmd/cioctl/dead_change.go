package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cioevents/cioevents/internal/operate"
	"github.com/cioevents/cioevents/internal/stream"
)

// deadChange returns a command that changes dead letters: change gets the entries
// of those that are chosen. With --dry-run they are only listed.
func (c *cli) deadChange(cmd *cobra.Command, o *deadOptions, change func(context.Context, *stream.Conn, [][]uint64) error) *cobra.Command {
	o.flags(cmd)
	cmd.Flags().BoolVar(&o.all, "all", false, "take all, when no other choice is made")
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "only list what would be taken")
	cmd.Args = o.numbers
	chosen := check(func() error {
		if o.filter.Empty() && !o.all { // not everything by mistake
			return errors.New("which dead letters? Give their numbers, a choice such as --from or --reason, or --all")
		}
		if !o.yes && !o.dryRun && !isTerminal(c.in) {
			return errors.New("nobody is there to be asked: give --yes to delete without a question, or --dry-run to look")
		}
		return nil
	})
	return c.onStream(cmd, func(ctx context.Context, conn *stream.Conn, _ []string) error {
		if o.dryRun {
			return c.listDead(ctx, conn, o)
		}
		letters, err := operate.SelectDeadLetters(ctx, conn, &o.filter)
		if err != nil {
			return err
		}
		if len(letters) == 0 {
			_, _ = fmt.Fprintln(c.err, "there is no such dead letter, or no more; cioctl dead list shows those that there are")
		}
		return change(ctx, conn, letters)
	}, o, chosen)
}

func (c *cli) deadRedrive() *cobra.Command {
	o := deadOptions{yes: true} // a redrive loses nothing
	cmd := &cobra.Command{
		Use:   "redrive [SEQ ...]",
		Short: "Send dead letters again, to the consumer that gave them up",
		Long: `redrive sends dead letters again and deletes each one that is sent. The consumer
that gave a message up gets it again, and no other. A body that ingest could not
read is read anew: it becomes a normal event, or stays when it still is none.

Remove the cause first, or they come back. An interrupted redrive is continued by
the same command; nothing is sent twice.`,
		Example: "  cioctl dead redrive 17 18\n  cioctl dead redrive --from suppression --since -24h\n  cioctl dead redrive --all --dry-run",
	}
	return c.deadChange(cmd, &o, func(ctx context.Context, conn *stream.Conn, letters [][]uint64) error {
		bar, finish := c.bar(int64(len(letters)))
		report, err := operate.RedriveDeadLetters(ctx, conn, letters, bar.Increment)
		finish()
		if err != nil {
			err = fmt.Errorf("%w; the same command goes on with the rest", err)
		}
		return errors.Join(err, o.print(c.out, report, func(w io.Writer) { redriveTable(w, &report) }))
	})
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
		Use:     "drop [SEQ ...]",
		Short:   "Delete dead letters for good",
		Long:    "drop deletes dead letters, after a question. Nothing brings them back: where the\nevent was given up by a consumer, the stream still has it while it keeps events;\nwhere it is from ingest, this is the only copy.",
		Example: "  cioctl dead drop 17\n  cioctl dead drop --from ingest --reason not_json --until -30d --yes",
	}
	cmd.Flags().BoolVar(&o.yes, "yes", false, "do not ask")
	return c.deadChange(cmd, &o, func(ctx context.Context, conn *stream.Conn, letters [][]uint64) error {
		if len(letters) > 0 && !o.yes && !c.confirm(ctx, fmt.Sprintf("Delete %d dead letters for good?", len(letters))) {
			return errors.New("nothing is deleted; --yes deletes without a question")
		}
		bar, finish := c.bar(int64(len(letters)))
		dropped, err := operate.DropDeadLetters(ctx, conn, letters, bar.Increment)
		finish()
		return errors.Join(err, o.print(c.out, map[string]int{"dropped": dropped}, func(w io.Writer) { row(w, "dropped", dropped) }))
	})
}

// confirm asks a question that only a plain yes answers so.
func (c *cli) confirm(ctx context.Context, question string) bool {
	_, _ = fmt.Fprintf(c.err, "%s [y/N] ", question)
	answer, _ := bufio.NewReader(c.stdin(ctx)).ReadString('\n')
	return slices.Contains([]string{"y", "yes"}, strings.ToLower(strings.TrimSpace(answer)))
}

// isTerminal reports whether a person may be typing.
func isTerminal(r io.Reader) bool {
	f, ok := r.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
