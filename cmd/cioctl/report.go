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
		Short: "Show the funnel of each campaign, the days, and why messages bounced",
		Long: "report summarises the first warehouse of --warehouse-url: the funnel of each\n" +
			"campaign, the days, the reasons of bounces, the links, and how long events took to\n" +
			"arrive. It reads BigQuery, a Parquet folder, or a DuckDB file, even while a worker\n" +
			"writes to the file.\n\n" +
			"A report without numbers says why, and what to change. report fails when a worker\n" +
			"does not hand over the file within --wait, or when the views are of an older release\n" +
			"(run cioctl warehouse migrate). Days begin at midnight UTC. BigQuery charges for the\n" +
			"bytes that report reads; on a terminal, report shows the bytes of each query.\n\n" + healthLong,
		Example: "  cioctl report --days 7\n  cioctl report --campaign 4 --html report.html\n" +
			"  cioctl report --health --days 2 || exit    # in a script, before the next batch",
	}
	cmd.Flags().Var(config.AtLeast0(&o.campaign, 0), "campaign", "only this campaign")
	cmd.Flags().Var(config.AtLeast0(&o.days, 30), "days", "number of days, including today; 0 for all")
	cmd.Flags().StringVar(&o.html, "html", "", "write a page with plots to this file instead of tables")
	cmd.Flags().BoolVar(&o.health, "health", false, "judge the e-mails by the measures of mailbox providers; exit code 4 if one is bad")
	cmd.Flags().Var(config.Span(&o.wait, 30*time.Second), "wait", "how long to wait until a worker hands over the file, or BigQuery answers")
	cmd.Flags().Var(config.Span(&o.timeout, time.Minute), "timeout", "how long the queries may take")
	return c.command(cmd, func(ctx context.Context, _ []string) error {
		if o.html != "" && out.format == "json" {
			return &config.UsageError{Err: errors.New("--html and --output json exclude each other")}
		}
		if o.health && (o.html != "" || o.campaign > 0) {
			return &config.UsageError{Err: errors.New("--health excludes --html and --campaign")}
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
		return out.print(c.out, r, func(w io.Writer) { reportTables(w, r, o) })
	}, &list, &out)
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
	r, err := read(ctx, report.Config{Reader: c.charged(reader), Dialect: p.Dialect(), Source: p.URL, Campaign: o.campaign, Days: o.days})
	if _, ok := errors.AsType[*warehouse.MissingNameError](err); ok {
		err = fmt.Errorf("run \"cioctl warehouse migrate\" if the views are of an older release: %w", err)
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

// reportTables prints each part of a report under a heading.
func reportTables(w io.Writer, r *report.Report, o reportOptions) {
	heading := func(text string) { _, _ = fmt.Fprintf(w, "\n%s\n", strings.ToUpper(text)) } // into a buffer
	heading("funnel")
	row(w, "workspace", "type", "campaign", "sent", "delivered", "opened", "clicked", "converted", "bounced", "failed", "unsubscribed", "spam")
	for _, f := range r.Funnel {
		row(w, f.Workspace, f.ObjectType, f.Campaign, f.Sent, f.Delivered, f.Opened, f.Clicked, f.Converted, f.Bounced, f.Failed, f.Unsubscribed, f.Spammed)
	}
	heading("days (UTC)")
	row(w, "day", "sent", "delivered", "opened", "clicked", "bounced", "converted", "events")
	for _, d := range r.Daily {
		row(w, d.Day, d.Sent, d.Delivered, d.Opened, d.Clicked, d.Bounced, d.Converted, d.Events)
	}
	heading("bounces")
	row(w, "bounces", "class", "reason")
	for _, b := range r.Bounces {
		row(w, b.Count, b.Class, b.Reason)
	}
	heading("links")
	row(w, "clicks", "deliveries", "people", "workspace", "campaign", "link")
	for _, l := range r.Links {
		row(w, l.Clicks, l.Unique, l.People, l.Workspace, l.Campaign, l.Href)
	}
	if len(r.Funnel)+len(r.Daily) == 0 {
		_, _ = fmt.Fprintf(w, "\n%s\n", emptyBecause(r, o))
	}
}

// emptyBecause returns the reason for a report without numbers, and what to do.
func emptyBecause(r *report.Report, o reportOptions) string {
	switch {
	case r.Newest == nil && o.campaign > 0:
		return fmt.Sprintf("There are no events of campaign %d: without --campaign the report shows all campaigns.", o.campaign)
	case r.Newest == nil:
		return "The warehouse has no events yet: cioctl status shows whether events wait."
	default:
		return fmt.Sprintf("The latest event is of %s: --days 0 shows all days.", r.Newest.UTC().Format(time.RFC3339))
	}
}
