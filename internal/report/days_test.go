package report_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/report"
	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/pkg/webhook"
	"github.com/cioevents/cioevents/pkg/webhook/webhooktest"
)

// Days end with the last day, which is today by default.
func TestDaysEndWithUntil(t *testing.T) {
	t.Parallel()
	reader := readersOf(t, nil)["duckdb"]
	for _, c := range []struct {
		cfg          report.Config
		since, until string
	}{
		{report.Config{Days: 30}, "2026-10-26", "2026-11-24"},
		{report.Config{Days: 7, Until: "2025-09-10"}, "2025-09-04", "2025-09-10"},
		{report.Config{Days: 1, Until: "-1d"}, "2026-11-23", "2026-11-23"},
		{report.Config{Days: 7, Since: "2025-09-01"}, "2025-09-01", ""},
		{report.Config{Days: 7, Since: "2025-09-01", Until: "2025-09-30"}, "2025-09-01", "2025-09-30"},
		{report.Config{Until: "2025-09-30"}, "", "2025-09-30"},
		{report.Config{Days: 2, Timezone: "Asia/Tokyo"}, "2026-11-24", "2026-11-25"},
	} {
		c.cfg.Reader, c.cfg.Now = reader, time.Date(2026, time.November, 24, 18, 0, 0, 0, time.UTC)
		got := newReport(t, c.cfg)
		if got.Since != c.since || got.Until != c.until || got.Health.Since != c.since || got.Health.Until != c.until {
			t.Errorf("%+v: %s to %s, want %s to %s", c.cfg, got.Since, got.Until, c.since, c.until)
		}
	}
}

// A night is 02:30 UTC of September 20th, the evening before in New York: a delivery, its
// bounce after a link was clicked, and an e-mail after an opt-out.
func night() []warehouse.Row {
	at := time.Date(2025, time.September, 20, 2, 30, 0, 0, time.UTC)
	return rowsOfEvents(
		webhook.Event{Metric: webhook.Unsubscribed, OccurredAt: at.AddDate(0, 0, -5)},
		webhook.Event{Metric: webhook.Sent, DeliveryID: "d", OccurredAt: at},
		webhook.Event{Metric: webhook.Clicked, DeliveryID: "d", Href: "https://example.com/a?token=1", OccurredAt: at},
	)
}

// rowsOfEvents returns rows of e-mails of campaign 1 to a person at another provider,
// received a second after.
func rowsOfEvents(events ...webhook.Event) (rows []warehouse.Row) {
	for i := range events {
		e := &events[i]
		e.ObjectType, e.CampaignID, e.Recipient, e.CustomerID, e.Raw = webhook.Email, 1, "p@example.com", "p", []byte("{}")
		rows = append(rows, warehouse.NewRow(e, warehouse.Origin{EventID: fmt.Sprint(i), Workspace: "default", ReceivedAt: e.OccurredAt.Add(time.Second)}))
	}
	return rows
}

// Each part of a report has the same days.
func TestTimezoneMovesEachPart(t *testing.T) {
	t.Parallel()
	for name, reader := range readersOf(t, night()) {
		for _, c := range []struct {
			zone, day string
			found     bool
		}{
			{"", "2025-09-20", true},
			{"", "2025-09-19", false},
			{"America/New_York", "2025-09-19", true},
			{"America/New_York", "2025-09-20", false},
			{"Asia/Tokyo", "2025-09-20", true},
		} {
			cfg := report.Config{Reader: reader, Rows: rowsOf[name], Timezone: c.zone, Since: c.day, Until: c.day}
			got := newReport(t, cfg)
			late := 0
			for _, m := range got.Health.Measures {
				if m.Measure == "sent_after_optout" {
					late++
				}
			}
			for part, n := range map[string]int{"days": len(got.Days), "links": len(got.Links), "latency": len(got.Latency), "health": late, "times": len(got.Channels)} {
				if found := n > 0; found != c.found {
					t.Errorf("%s, %s in zone %q: %s has %d, want some: %v", name, c.day, c.zone, part, n, c.found)
				}
			}
			cfg.Campaign = 2
			if got := newReport(t, cfg); len(got.Links)+len(got.Days)+len(got.Health.Measures) > 0 {
				t.Errorf("%s: campaign 2 has the numbers of campaign 1: %+v", name, got)
			}
		}
	}
}

// In another zone than the warehouse's, the report reads rows instead of views. In UTC it
// shows the numbers of the views, from the first to the last day.
func TestRowsHaveTheNumbersOfTheViews(t *testing.T) {
	t.Parallel()
	rows := mixRows(t, webhooktest.Mix{Seed: 3, Deliveries: 2000})
	var clicks []webhook.Event
	for i, path := range []string{"reset/0a1b2c3d4e5f6071829304a5b6c7/x?a=1", "reset/ffffb2c3d4e5f6071829304a5b6c7/x", "help#b"} {
		clicks = append(clicks, webhook.Event{Metric: webhook.Clicked, DeliveryID: fmt.Sprint(i % 2), Href: "https://example.com/" + path, OccurredAt: rows[900].OccurredAt})
	}
	rows = append(rows, rowsOfEvents(clicks...)...)
	for name, reader := range readersOf(t, append(rows, rows[:700]...)) {
		cfg := report.Config{Reader: reader, Rows: rowsOf[name], Since: "2025-09-03", Until: "2025-09-04", Now: time.Unix(1.8e9, 0)}
		want := newReport(t, cfg)
		cfg.Timezone = "UTC"
		if strings.Contains(fmt.Sprint(want.Links), "0a1b") {
			t.Errorf("%s: a link shows a token: %v", name, want.Links)
		}
		if diff := gocmp.Diff(want, newReport(t, cfg)); diff != "" || len(want.Links) < 5 || len(want.Latency) < 5 {
			t.Errorf("%s, %d links, %d hours (-views +rows):\n%s", name, len(want.Links), len(want.Latency), diff)
		}
	}
}

// Rows of a delivery may lack columns of the message, such as rows of an older release.
func TestMessageHasTheColumnsOfAllRows(t *testing.T) {
	t.Parallel()
	at := time.Date(2025, time.September, 20, 2, 30, 0, 0, time.UTC)
	for name, reader := range readersOf(t, rowsOfEvents(
		webhook.Event{Metric: webhook.Sent, DeliveryID: "d", ActionID: 5, OccurredAt: at},
		webhook.Event{Metric: webhook.Delivered, DeliveryID: "d", ContentID: 9, OccurredAt: at.Add(time.Minute)},
	)) {
		got := newReport(t, report.Config{Reader: reader, Rows: rowsOf[name]})
		if len(got.Messages) != 1 || got.Messages[0].Action != 5 || got.Messages[0].Content != 9 || got.Messages[0].ToDeliver == nil {
			t.Errorf("%s: %+v, want one message of action 5 and content 9", name, got.Messages)
		}
	}
}

// Havana's clocks go from 0:00 to 1:00, the Azores' from 1:00 back to 0:00.
func TestDaysBeginWhereClocksChange(t *testing.T) {
	t.Parallel()
	for zone, at := range map[string]string{"America/Havana": "2025-03-09T05:00:00Z", "Atlantic/Azores": "2025-10-26T00:00:00Z"} {
		first, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		day := at[:10]
		for name, reader := range readersOf(t, rowsOfEvents(
			webhook.Event{Metric: webhook.Clicked, DeliveryID: "before", Href: "https://example.com/before", OccurredAt: first.Add(-time.Second)},
			webhook.Event{Metric: webhook.Clicked, DeliveryID: "first", Href: "https://example.com/first", OccurredAt: first},
		)) {
			got := newReport(t, report.Config{Reader: reader, Rows: rowsOf[name], Timezone: zone, Since: day, Until: day})
			if len(got.Links) != 1 || !strings.HasSuffix(got.Links[0].URL, "first") || got.Summary.Deliveries != 1 || got.Days[0].Day != day {
				t.Errorf("%s: %s in %s: %+v %+v", name, day, zone, got.Links, got.Days)
			}
		}
	}
}
