package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/vbauerster/mpb/v8"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/operate"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery"
	"github.com/cioevents/cioevents/internal/warehouse/parquet"
)

// compactOptions are the flags of compact.
type compactOptions struct {
	before string
	grace  time.Duration
}

func (c *cli) compact() *cobra.Command {
	var urls warehouseURLs
	var out output
	var o compactOptions
	cmd := &cobra.Command{
		Use:   "compact",
		Short: "Merge the files of past days and drop repeated events",
		Long: "compact merges the Parquet files of each past day into one and leaves out repeated\n" +
			"events. Workers and readers go on meanwhile; interrupted, it is finished by the next\n" +
			"run. For BigQuery it prints the statement that does it for one day. DuckDB needs none.",
		Example: "  cioctl warehouse compact --warehouse-url parquet:/data/events --before 2026-11-01",
		Args:    usage(cobra.NoArgs),
	}
	cmd.Flags().StringVar(&o.before, "before", "-48h", "compact the days that ended before: a date, a time or an age such as -48h")
	cmd.Flags().DurationVar(&o.grace, "grace", 30*time.Second, "how long replaced files stay for queries that read them")
	declare := func(s *config.Set) {
		urls.declare(s)
		out.declare(s)
	}
	return c.command(cmd, declare, func(ctx context.Context, _ []string) error {
		before, err := operate.ParseTime(o.before, time.Now())
		if err != nil {
			return &config.UsageError{Err: fmt.Errorf("--before: %w", err)}
		}
		if o.grace < 0 {
			return &config.UsageError{Err: errors.New("--grace: must not be below 0")}
		}
		list := []compacted{}
		for _, url := range urls {
			done, err := c.compactOne(ctx, url, before, o.grace)
			if err != nil {
				return err
			}
			list = append(list, done)
			if out.format == "table" {
				if err := out.print(c.out, nil, done.table); err != nil {
					return err
				}
			}
		}
		if out.format == "table" {
			return nil
		}
		return out.print(c.out, list, nil)
	})
}

// A compacted is what compact did to one warehouse, or says about it.
type compacted struct {
	Warehouse string `json:"warehouse"`
	*parquet.Report
	Note string `json:"note,omitempty"`
	SQL  string `json:"sql,omitempty"`
}

func (c *compacted) table(w io.Writer) {
	switch {
	case c.Report != nil:
		row(w, "days", "files", "rows", "repeated", "bytes before", "bytes after")
		row(w, c.Days, c.Files, c.Rows, c.Duplicates, c.BytesBefore, c.BytesAfter)
	case c.SQL != "":
		_, _ = fmt.Fprintf(w, "-- %s\n%s\n", c.Note, c.SQL) // into a buffer
	default:
		row(w, c.Warehouse, c.Note)
	}
}

func (c *cli) compactOne(ctx context.Context, url string, before time.Time, grace time.Duration) (compacted, error) {
	done := compacted{Warehouse: url}
	scheme, path, _ := strings.Cut(url, ":")
	switch scheme {
	case "parquet":
		report, err := c.compactParquet(ctx, parquet.Compaction{Dir: path, Before: before, Grace: max(grace, 1)})
		done.Report = &report
		return done, err
	case "bigquery":
		project, dataset, err := bigQueryPlace(url)
		if err != nil {
			return done, err
		}
		day := before.UTC().AddDate(0, 0, -1)
		done.Note = "Run this for each day, for instance daily as a scheduled query; here for " + day.Format(time.DateOnly) + "."
		done.SQL = bigquery.CompactDay(project, dataset, day)
		return done, nil
	default:
		done.Note = "stores each event once already"
		return done, nil
	}
}

func (c *cli) compactParquet(ctx context.Context, job parquet.Compaction) (parquet.Report, error) {
	if err := checkFolder(job.Dir); err != nil {
		return parquet.Report{}, err
	}
	var bar *mpb.Bar
	finish := func() {}
	job.Progress = func(done, total int) {
		if bar == nil {
			bar, finish = c.bar(int64(total))
		}
		bar.SetCurrent(int64(done))
		if done == total && total > 0 {
			finish()
			_, _ = fmt.Fprintf(c.err, "the replaced files stay for %s for queries that read them; Ctrl-C leaves them to the next run\n", job.Grace)
		}
	}
	report, err := parquet.Compact(ctx, job)
	finish()
	if errors.Is(err, parquet.ErrCompacting) {
		err = fmt.Errorf("%w; wait for it to end", err)
	}
	return report, err
}
