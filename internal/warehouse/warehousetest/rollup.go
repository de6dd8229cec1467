package warehousetest

import (
	"cmp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/pkg/webhook/webhooktest"
)

// A RollupStore is a warehouse with a rollup, of any kind.
type RollupStore struct {
	// Sink returns a new sink.
	Sink func(t *testing.T) warehouse.Sink
	// RollUp computes the days again, and returns the number of new rows.
	RollUp func(t *testing.T, days warehouse.Days) int64
	// Query runs a SELECT and returns its rows, as in Views.
	Query func(t *testing.T, sql string) [][]any
}

// Rollups is the suite of the table warehouse.Rollup: its rows equal a count in Go, a
// repetition changes nothing, a late event changes its day alone, and days that are not
// computed again stay.
func Rollups(t *testing.T, s RollupStore) {
	t.Helper()
	rows := MixedRows(100, 17)
	for body := range (webhooktest.Mix{Seed: 17, Deliveries: 150, Start: receivedAt.Add(-webhooktest.MixDuration)}).Events() {
		rows = append(rows, workersRow(body, len(rows)+1))
	}
	s.write(t, rows)
	notes := s.Sink(t)
	if err := notes.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := notesOf(t, notes).SetTimezone(t.Context(), "America/New_York"); err != nil {
		t.Fatal(err)
	}
	if err := notes.Close(); err != nil {
		t.Fatal(err)
	}
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	count := newCount(rows, zone)
	days := count.days()
	first, last := days[0], days[len(days)-1]
	if len(days) < 4 {
		t.Fatalf("the rows have %d days; want more", len(days))
	}
	want := count.rollup(first, last)
	for range 2 {
		if n := s.RollUp(t, warehouse.Days{First: first, Last: last}); n != int64(len(want)) {
			t.Errorf("the rollup has %d rows; want %d", n, len(want))
		}
		s.want(t, want)
	}
	s.sums(t)
	s.late(t, rows, zone, days)
}

// late adds bounces to deliveries of the third last day and of the first day, and computes
// three days again, and then all days.
func (s *RollupStore) late(t *testing.T, rows []warehouse.Row, zone *time.Location, days []time.Time) {
	t.Helper()
	recent, last := days[len(days)-3], days[len(days)-1]
	kept := newCount(rows, zone).rollup(days[0], recent.AddDate(0, 0, -1))
	var late []warehouse.Row
	for _, day := range []time.Time{days[0], recent} {
		r := sentOn(t, rows, zone, day)
		r.EventID, r.Metric, r.Bounce, r.FailureMessage = "late-"+day.Format(time.DateOnly), "bounced", "hard", "550 5.1.1"
		r.Timestamp = last.Add(36 * time.Hour)
		late = append(late, r)
	}
	s.write(t, late)
	after := newCount(slices.Concat(rows, late), zone)
	s.RollUp(t, warehouse.Days{First: recent, Last: last})
	s.want(t, append(kept, after.rollup(recent, last)...))
	s.RollUp(t, warehouse.Days{First: days[0], Last: last.AddDate(0, 0, 9)}) // also days without events
	s.want(t, after.rollup(days[0], last))
}

// sentOn returns the sent event of a delivery of the day.
func sentOn(t *testing.T, rows []warehouse.Row, zone *time.Location, day time.Time) warehouse.Row {
	t.Helper()
	c := newCount(rows, zone)
	for i := range rows {
		if rows[i].Metric == "sent" && rows[i].DeliveryID != "" && c.day(rows[i].Timestamp) == any(day) {
			return rows[i]
		}
	}
	t.Fatalf("nothing was sent on %s", day)
	return warehouse.Row{}
}

func (s *RollupStore) write(t *testing.T, rows []warehouse.Row) {
	t.Helper()
	Fill(t, s.Sink(t), rows)
}

func (s *RollupStore) want(t *testing.T, want [][]any) {
	t.Helper()
	columns := make([]string, 0, len(warehouse.RollupColumns()))
	for _, c := range warehouse.RollupColumns() {
		if c.Name != "updated_at" {
			columns = append(columns, c.Name)
		}
	}
	compareRows(t, s.Query(t, "SELECT "+strings.Join(columns, ", ")+" FROM "+warehouse.Rollup+" WHERE updated_at IS NOT NULL"), want)
}

// sums compares the sums of the rollup with the views of messages and of providers.
func (s *RollupStore) sums(t *testing.T) {
	t.Helper()
	const counts = "SUM(deliveries), SUM(sent), SUM(delivered), SUM(hard_bounces), SUM(soft_bounces), SUM(unknown_bounces), SUM(human_opens), SUM(human_clicks), SUM(unsubscribes), SUM(complaints)"
	for _, c := range []struct{ key, view, where string }{
		{"workspace, object_type, source, source_id, action_id, content_id", warehouse.Messages, ""},
		{"workspace, day, mailbox_provider", warehouse.MailboxDaily, " WHERE object_type = 'email'"},
	} {
		tail := " GROUP BY " + c.key
		compareRows(t, s.Query(t, "SELECT "+c.key+", "+counts+" FROM "+warehouse.Rollup+c.where+tail), s.Query(t, "SELECT "+c.key+", "+counts+" FROM "+c.view+tail))
	}
}

// days returns the days of the deliveries, the first day first.
func (c *count) days() []time.Time {
	var list []time.Time
	for _, d := range c.deliveries {
		if day, ok := c.day(d.began()).(time.Time); ok {
			list = append(list, day)
		}
	}
	slices.SortFunc(list, time.Time.Compare)
	return slices.Compact(list)
}

// rollup returns the rows of the days without updated_at.
func (c *count) rollup(first, last time.Time) [][]any {
	type key struct {
		dated
		provider string
	}
	rows := [][]any{}
	for k, t := range tallies(c.deliveries, func(d *delivery) key {
		provider := ""
		if d.message.object == "email" {
			provider = cmp.Or(d.provider, "other")
		}
		return key{dated{d.message, c.day(d.began())}, provider}
	}) {
		if day, _ := k.day.(time.Time); !day.Before(first) && !day.After(last) {
			rows = append(rows, slices.Concat(k.message.values(k.day), []any{null(k.provider)}, t.counts()))
		}
	}
	return rows
}
