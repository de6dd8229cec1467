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

// report prints the result and compares the counts with those of the campaign.
func (d *demo) report(ctx context.Context, sent operate.SendReport, status *stream.Status) error {
	path := filepath.Join(d.dir, "customerio.duckdb")
	funnel, err := duckdb.Query(ctx, path, `SELECT sent, delivered, bounced, unique_opens, unique_human_opens, unique_clicks, conversions, unsubscribes, spam_complaints
		FROM customerio_campaign_funnel WHERE campaign_id = 7`)
	if err != nil {
		return err
	}
	rows, err := duckdb.Query(ctx, path, "SELECT count(*), count(DISTINCT event_id) FROM customerio_events")
	if err != nil {
		return err
	}
	t := &demoTable{Writer: tabwriter.NewWriter(d.out, 0, 0, 2, ' ', tabwriter.AlignRight)}
	t.heading("Campaign 7, from the warehouse")
	for i, name := range funnel.Columns {
		t.line(strings.ReplaceAll(name, "_", " "), funnel.Rows[0][i])
	}
	suppressed := d.profiles(t)
	totals := d.campaign.Totals()
	t.heading("Counts")
	t.line("events of the campaign", totals.Events)
	t.compare("answered 200", sent.Sent, totals.Events)
	t.compare("messages in the stream", int(status.Stream.Messages), totals.Events) //nolint:gosec // a small number
	t.compare("rows in the warehouse", toInt(rows.Rows[0][0]), totals.Events)
	t.compare("distinct events in the warehouse", toInt(rows.Rows[0][1]), totals.Events)
	t.compare("dead letters", len(status.Dead), 0)
	t.compare("people suppressed", suppressed, totals.HardBounced+totals.UnknownBounced+totals.Complained)
	t.compare("deliveries delivered", toInt(funnel.Rows[0][1]), totals.Deliveries[webhook.Delivered])
	if err := t.Flush(); err != nil {
		return err
	}
	if len(t.wrong) > 0 {
		return errors.New("the counts differ: " + strings.Join(t.wrong, ", "))
	}
	_, err = fmt.Fprintf(d.out, "\nNothing is lost and nothing is duplicated: %d events in %.1f s, %.0f a second.\n", sent.Sent, sent.Seconds, float64(sent.Sent)/sent.Seconds)
	return err
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

// A demoTable prints lines and collects the wrong counts.
type demoTable struct {
	*tabwriter.Writer
	wrong []string
}

func (t *demoTable) heading(text string) { _, _ = fmt.Fprintf(t, "\n%s\n", text) } // into a buffer

func (t *demoTable) line(name string, value any) { _, _ = fmt.Fprintf(t, "%s\t%v\t\n", name, value) }

func (t *demoTable) compare(name string, got, want int) {
	t.line(name, got)
	if got != want {
		t.wrong = append(t.wrong, fmt.Sprintf("%s %d, want %d", name, got, want))
	}
}

func toInt(v any) int {
	n, _ := v.(int64)
	return int(n)
}
