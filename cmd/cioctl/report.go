package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/report"
	"github.com/cioevents/cioevents/internal/warehouse"
)

// reportOptions has the flags of report.
type reportOptions struct {
	campaign int64
	days     int
	since    string
	until    string
	timezone string
	html     string
	health   bool
	wait     time.Duration
	timeout  time.Duration
}

func (c *cli) report() *cobra.Command {
	var list warehouseSetting
	out := output{rawTo: c.out}
	var o reportOptions
	cmd := &cobra.Command{
		Use:   "report",
		Short: "Show the messages with their rates, the days, and why messages bounced",
		Long: "report summarises the first warehouse of --warehouse-url: the messages with their\n" +
			"rates, their health, the days, the mailbox providers, the reasons of bounces, the times\n" +
			"to open, the links, and how long events took to arrive. It reads BigQuery, a Parquet\n" +
			"folder, or a DuckDB file, even while a worker writes to the file.\n\n" +
			"A delivery counts on the day on which it was sent, a click on a link on its own day.\n" +
			"Days begin at midnight in the time zone of the warehouse, or in --timezone.\n" +
			"Customer.io's pages of newsletters use Eastern time, America/New_York.\n\n" +
			"A report without numbers says why, and what to change. report fails when a worker\n" +
			"does not hand over the file within --wait, or when the views are of an older release\n" +
			"(run cioctl warehouse migrate). BigQuery charges for the bytes that report reads; on a\n" +
			"terminal, report shows the bytes of each query.\n\n" + healthLong,
		Example: "  cioctl report --days 7\n  cioctl report --campaign 4 --html report.html\n" +
			"  cioctl report --health --days 2 || exit    # in a script, before the next batch",
	}
	cmd.Flags().Var(config.Above0(&o.campaign, 0), "campaign", "only this campaign")
	cmd.Flags().Var(config.AtLeast0(&o.days, 30), "days", "number of days up to --until, including that day; 0 for all")
	cmd.Flags().StringVar(&o.since, "since", "", "first day, such as 2026-11-24 or -7d, instead of --days")
	cmd.Flags().StringVar(&o.until, "until", "", "last day, such as 2026-11-24 or -1d; default today")
	cmd.Flags().StringVar(&o.timezone, "timezone", "", "IANA name of the zone in which days begin, such as Europe/Berlin; default the warehouse's")
	cmd.Flags().StringVar(&o.html, "html", "", "write a page with plots to this file instead of tables")
	cmd.Flags().BoolVar(&o.health, "health", false, "judge the e-mails by the measures of mailbox providers; exit code 4 if one is bad")
	cmd.Flags().Var(config.Span(&o.wait, 30*time.Second), "wait", "how long to wait until a worker hands over the file, or BigQuery answers")
	cmd.Flags().Var(config.Span(&o.timeout, time.Minute), "timeout", "how long the queries may take")
	return c.command(cmd, func(ctx context.Context, _ []string) error {
		if o.html != "" && out.format == "json" {
			return &config.UsageError{Err: errors.New("--html and --output json exclude each other")}
		}
		if o.health && o.html != "" {
			return &config.UsageError{Err: errors.New("--health and --html exclude each other: the page has the health of its e-mails")}
		}
		if o.health {
			return c.reportHealth(ctx, &list, o, &out)
		}
		r, err := readWarehouse(ctx, c, &list, o, report.New)
		if err != nil {
			return err
		}
		if o.html != "" {
			return c.writeHTML(r, o.html)
		}
		return out.print(c.out, r, func(w io.Writer) { reportTables(w, r) })
	}, &list, &out, exclusive("days", "since"), check(o.check))
}

// readWarehouse opens the first warehouse and reads a report.
func readWarehouse[T any](ctx context.Context, c *cli, list *warehouseSetting, o reportOptions, read func(context.Context, report.Config) (T, error)) (_ T, err error) {
	var none T
	p := list.places[0]
	reader, err := list.openWithin(ctx, o.wait)
	if err != nil {
		return none, err
	}
	defer func() { err = errors.Join(err, reader.Close()) }()
	ctx, cancel := withTimeout(ctx, o.timeout)
	defer cancel()
	r, err := read(ctx, report.Config{
		Reader: c.charged(reader), Dialect: p.Dialect(), Schema: p.Schema(), Rows: p.Rows(), Source: p.URL,
		Campaign: o.campaign, Days: o.days, Since: o.since, Until: o.until, Timezone: o.timezone,
	})
	if _, ok := errors.AsType[*warehouse.MissingNameError](err); ok {
		err = fmt.Errorf("run \"cioctl warehouse migrate\" if the views are of an older release, and in BigQuery the SQL of \"cioctl warehouse migrate --print\" for the functions of days: %w", err)
	}
	return r, err
}

func (c *cli) writeHTML(r *report.Report, path string) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("--html: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := r.HTML(f); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.out, "written to %s\n", path)
	return err
}

// check reports days and zones that no report can have.
func (o *reportOptions) check() error {
	if err := checkDays(o.since, o.until); err != nil {
		return err
	}
	return checkTimezone(o.timezone)
}

// checkDays reports days that nobody can mean, before a warehouse is opened. The day of -7d
// depends on the time zone of the warehouse: checkDays compares two dates, or two numbers of
// days.
func checkDays(since, until string) error {
	now, days := time.Now(), map[string]string{}
	for name, text := range map[string]string{"--since": since, "--until": until} {
		day, err := report.ParseDay(text, now)
		if err != nil {
			return config.Invalid(name, text, "a day such as 2026-11-24 or -7d")
		}
		days[name] = day
	}
	relative := func(text string) bool { return strings.HasPrefix(text, "-") }
	if until != "" && relative(since) == relative(until) && days["--until"] < days["--since"] {
		return &config.UsageError{Err: errors.New("--until is before --since")}
	}
	return nil
}
