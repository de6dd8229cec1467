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
	"time"

	"github.com/spf13/cobra"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/operate"
	"github.com/cioevents/cioevents/internal/stream"
)

func (o *deadOptions) changes(cmd *cobra.Command) {
	o.flags(cmd)
	cmd.Flags().BoolVar(&o.all, "all", false, "take all, when no other choice is made")
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "only list what would be taken")
}

// need refuses to take everything by mistake.
func (o *deadOptions) need(args []string, now time.Time) error {
	if err := o.read(args, now); err != nil {
		return err
	}
	if o.f.Empty() && !o.all {
		return errors.New("which dead letters? Give their numbers, a choice such as --from or --reason, or --all")
	}
	return nil
}

func (c *cli) deadRedrive() *cobra.Command {
	var o deadOptions
	cmd := &cobra.Command{
		Use:   "redrive [SEQ ...]",
		Short: "Send dead letters again, to the consumer that gave them up",
		Long: `redrive sends dead letters again and deletes each one that is sent. The consumer
that gave a message up gets it again, and no other. A body that ingest could not
read is read anew: it becomes a normal event, or stays when it still is none.

Remove the cause first, or they come back. An interrupted redrive is continued by
the same command; nothing is sent twice.`,
		Example: "  cioctl dead redrive 17 18\n  cioctl dead redrive --from suppression --since -24h\n  cioctl dead redrive --all --dry-run",
		Args:    cobra.ArbitraryArgs,
	}
	o.changes(cmd)
	return c.command(cmd, o.declareAll, func(ctx context.Context, args []string) error {
		if err := o.need(args, time.Now()); err != nil {
			return &config.UsageError{Err: err}
		}
		return withStream(ctx, o.cfg, func(conn *stream.Conn) error {
			if o.dryRun {
				return c.listDead(ctx, conn, &o)
			}
			return c.redriveDead(ctx, conn, &o)
		})
	})
}

func (c *cli) redriveDead(ctx context.Context, conn *stream.Conn, o *deadOptions) error {
	letters, err := c.letters(ctx, conn, o)
	if err != nil {
		return err
	}
	status, err := conn.Status(ctx)
	if err != nil {
		return err
	}
	var consumers []string
	for _, cons := range status.Consumers {
		consumers = append(consumers, cons.Name)
	}
	publisher, err := stream.NewPublisher(conn, 0)
	if err != nil {
		return err
	}
	defer publisher.Close()
	bar, finish := c.bar(int64(len(letters)))
	report, err := operate.Redriver{DeadLetters: conn, Publisher: publisher, Consumers: consumers, Progress: bar.Increment}.Redrive(ctx, letters)
	finish()
	if err != nil {
		err = fmt.Errorf("%w; the same command goes on with the rest", err)
	}
	return errors.Join(err, o.print(c.out, report, func(w io.Writer) {
		row(w, "redriven", report.Redriven)
		if report.Gone > 0 {
			row(w, "gone", report.Gone)
		}
		for _, why := range slices.Sorted(maps.Keys(report.Kept)) {
			row(w, "kept", report.Kept[why], why)
		}
	}))
}

// letters lists the entries of the dead letters that are chosen, and no more of
// them: there may be many.
func (c *cli) letters(ctx context.Context, conn *stream.Conn, o *deadOptions) ([][]uint64, error) {
	var list [][]uint64
	err := o.each(ctx, conn, func(b *event.StoredDeadLetter) { list = append(list, b.Entries) })
	if err == nil && len(list) == 0 {
		_, _ = fmt.Fprintln(c.err, "there is no such dead letter, or no more; cioctl dead list shows those that there are")
	}
	return list, err
}

func (c *cli) deadDrop() *cobra.Command {
	var o deadOptions
	var yes bool
	cmd := &cobra.Command{
		Use:     "drop [SEQ ...]",
		Short:   "Delete dead letters for good",
		Long:    "drop deletes dead letters, after a question. Nothing brings them back: where the\nevent was given up by a consumer, the stream still has it while it keeps events;\nwhere it is from ingest, this is the only copy.",
		Example: "  cioctl dead drop 17\n  cioctl dead drop --from ingest --reason not_json --until -30d --yes",
		Args:    cobra.ArbitraryArgs,
	}
	o.changes(cmd)
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return c.command(cmd, o.declareAll, func(ctx context.Context, args []string) error {
		err := o.need(args, time.Now())
		if err == nil && !yes && !o.dryRun && !isTerminal(c.in) {
			err = errors.New("nobody is there to be asked: give --yes to delete without a question, or --dry-run to look")
		}
		if err != nil {
			return &config.UsageError{Err: err}
		}
		return withStream(ctx, o.cfg, func(conn *stream.Conn) error {
			if o.dryRun {
				return c.listDead(ctx, conn, &o)
			}
			return c.dropDead(ctx, conn, &o, yes)
		})
	})
}

func (c *cli) dropDead(ctx context.Context, conn *stream.Conn, o *deadOptions, yes bool) error {
	letters, err := c.letters(ctx, conn, o)
	if err != nil {
		return err
	}
	if len(letters) > 0 && !yes && !c.confirm(ctx, fmt.Sprintf("Delete %d dead letters for good?", len(letters))) {
		return errors.New("nothing is deleted; --yes deletes without a question")
	}
	bar, finish := c.bar(int64(len(letters)))
	dropped := 0
	for _, entries := range letters {
		if err = conn.DeleteDeadLetter(ctx, entries); err != nil {
			break
		}
		dropped++
		bar.Increment()
	}
	finish()
	return errors.Join(err, o.print(c.out, map[string]int{"dropped": dropped}, func(w io.Writer) { row(w, "dropped", dropped) }))
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
