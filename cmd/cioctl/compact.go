package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
	"github.com/vbauerster/mpb/v8"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/operate"
	"github.com/cioevents/cioevents/internal/warehouse/place"
)

// compactOptions are the flags of compact.
type compactOptions struct {
	before string
	grace  time.Duration
}

func (c *cli) compact() *cobra.Command {
	var list warehouseSetting
	var out output
	var o compactOptions
	cmd := &cobra.Command{
		Use:   "compact",
		Short: "Merge the files of past days and drop repeated events",
		Long: "compact merges the Parquet files of each past day into one file and drops repeated\n" +
			"events. Workers and readers may run meanwhile. After an interruption, the next run\n" +
			"completes the work. For BigQuery, compact prints a statement that compacts one day.\n" +
			"DuckDB stores each event once and needs no compaction.\n\n" +
			"compact needs room on the disk for the largest day once more, and says after the merge\n" +
			"that replaced files stay for --grace: Ctrl-C is harmless then, too.",
		Example: "  cioctl warehouse compact --warehouse-url parquet:/data/events\n  cioctl warehouse compact --warehouse-url parquet:/data/events --before 2026-11-01",
		Args:    usage(cobra.NoArgs),
	}
	cmd.Flags().StringVar(&o.before, "before", "-48h", "compact the days that ended before this time: a date, a time or an age such as -48h")
	cmd.Flags().Var(config.Span(&o.grace, 30*time.Second), "grace", "how long replaced files stay, for queries that read them")
	return c.command(cmd, func(ctx context.Context, _ []string) error {
		before, err := operate.ParseTime(o.before, time.Now())
		if err != nil {
			return &config.UsageError{Err: fmt.Errorf("--before: %w", err)}
		}
		all := []compacted{}
		for _, p := range list.places {
			done, err := c.compactOne(ctx, p, before, o.grace)
			if err != nil {
				return err
			}
			all = append(all, done)
			if out.format == "table" {
				if err := out.print(c.out, nil, done.table); err != nil {
					return err
				}
			}
		}
		if out.format == "table" {
			return nil
		}
		return out.print(c.out, all, nil)
	}, &list, &out)
}

// compacted is the result of compact for one warehouse.
type compacted struct {
	Warehouse string `json:"warehouse"`
	place.Compacted
}

func (d *compacted) table(w io.Writer) {
	switch {
	case d.Merged != nil:
		row(w, "days", "files", "rows", "repeated", "bytes before", "bytes after")
		row(w, d.Days, d.Files, d.Rows, d.Duplicates, d.BytesBefore, d.BytesAfter)
	case d.SQL != "":
		_, _ = fmt.Fprintf(w, "-- %s\n%s\n", d.Note, d.SQL) // into a buffer
	default:
		row(w, d.Warehouse, d.Note)
	}
}

// compactOne compacts one warehouse and shows the progress on a bar.
func (c *cli) compactOne(ctx context.Context, p place.Place, before time.Time, grace time.Duration) (compacted, error) {
	progress, finish := c.progress(grace)
	done, err := p.Compact(ctx, place.Compaction{Before: before, Grace: grace, Progress: progress})
	finish()
	return compacted{p.URL, done}, err
}

// progress returns a function that draws a bar of the days that are done. After the
// last day the function says for how long cioctl waits, if it waits.
func (c *cli) progress(grace time.Duration) (progress func(done, total int), finish func()) {
	var bar *mpb.Bar
	end := func() {}
	return func(done, total int) {
		if bar == nil {
			bar, end = c.bar(int64(total))
		}
		bar.SetCurrent(int64(done))
		if done == total && total > 0 {
			end()
			if grace == 0 {
				return
			}
			c.tellf("replaced files stay for %s, for queries that read them; after Ctrl-C the next run removes the files", grace)
		}
	}, func() { end() }
}
