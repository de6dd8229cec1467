package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/cioevents/cioevents/internal/operate"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/warehouse/duckdb"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// A demoTable prints lines and collects the wrong counts.
type demoTable struct {
	*tabwriter.Writer
	wrong []string
}

// report prints the result and compares the counts with those of the campaign.
func (d *demo) report(ctx context.Context, sent operate.SendReport, status *stream.Status) error {
	t := &demoTable{Writer: tabwriter.NewWriter(d.out, 0, 0, 2, ' ', tabwriter.AlignRight)}
	path, totals := filepath.Join(d.dir, "customerio.duckdb"), d.campaign.Totals()
	delivered, err := t.funnel(ctx, path)
	if err != nil {
		return err
	}
	suppressed := d.profiles(t)
	rows, err := duckdb.Query(ctx, path, "SELECT count(*), count(DISTINCT event_id) FROM customerio_events")
	if err != nil {
		return err
	}
	t.heading("Counts")
	t.line("events of the campaign", totals.Events)
	t.compare("answered 200", sent.Sent, totals.Events)
	t.compare("messages in the stream", int(status.Stream.Messages), totals.Events) //nolint:gosec // a small number
	t.compare("rows in the warehouse", toInt(rows.Rows[0][0]), totals.Events)
	t.compare("distinct events in the warehouse", toInt(rows.Rows[0][1]), totals.Events)
	t.compare("dead letters", len(status.Dead), 0)
	t.compare("people suppressed", suppressed, totals.HardBounced+totals.Complained)
	t.compare("deliveries delivered", delivered, totals.Deliveries[webhook.Delivered])
	if err := errors.Join(t.Flush(), t.err()); err != nil {
		return err
	}
	_, err = fmt.Fprintf(d.out, "\nNothing is lost and nothing is duplicated: %d events in %.1f s, %.0f a second.\n", sent.Sent, sent.Seconds, float64(sent.Sent)/sent.Seconds)
	return err
}

// funnel prints the funnel of the campaign, and returns the number of delivered
// messages.
func (t *demoTable) funnel(ctx context.Context, path string) (delivered int, err error) {
	funnel, err := duckdb.Query(ctx, path, `SELECT sent, delivered, hard_bounces, soft_bounces, unknown_bounces, human_opens, human_clicks, conversions, unsubscribes, complaints
		FROM customerio_messages WHERE source = 'campaign' AND source_id = '7'`)
	if err != nil {
		return 0, err
	}
	t.heading("Campaign 7, from the warehouse")
	for i, name := range funnel.Columns {
		t.line(strings.ReplaceAll(name, "_", " "), funnel.Rows[0][i])
	}
	return toInt(funnel.Rows[0][1]), nil
}

// profiles prints the state of the fake Track API, and returns the number of
// suppressed people.
func (d *demo) profiles(t *demoTable) (suppressed int) {
	engaged, unsubscribed := 0, 0
	for _, p := range d.stack.Fake.Profiles() {
		if _, ok := p.Attributes["last_email_engaged_at"]; ok {
			engaged++
		}
		if p.Attributes["unsubscribed"] == true {
			unsubscribed++
		}
	}
	for _, p := range d.people() {
		if d.stack.Fake.Suppressed(p.ID) {
			suppressed++
		}
	}
	counts := d.stack.Fake.Counts()
	t.heading("Profiles, from the Track API")
	t.line("suppressed and deleted", suppressed)
	t.line("engaged", engaged)
	t.line("unsubscribed", unsubscribed)
	t.line("calls", counts.Identify+counts.Suppress)
	return suppressed
}

func (t *demoTable) heading(text string) { _, _ = fmt.Fprintf(t, "\n%s\n", text) } // into a buffer

func (t *demoTable) line(name string, value any) { _, _ = fmt.Fprintf(t, "%s\t%v\t\n", name, value) }

func (t *demoTable) compare(name string, got, want int) {
	t.line(name, got)
	if got != want {
		t.wrong = append(t.wrong, fmt.Sprintf("%s %d, want %d", name, got, want))
	}
}

func (t *demoTable) err() error {
	if len(t.wrong) > 0 {
		return errors.New("the counts differ: " + strings.Join(t.wrong, ", "))
	}
	return nil
}

func toInt(v any) int {
	n, _ := v.(int64)
	return int(n)
}
