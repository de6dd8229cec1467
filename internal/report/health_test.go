package report_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/report"
	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/duckdb"
	"github.com/cioevents/cioevents/internal/warehouse/warehousetest"
	"github.com/cioevents/cioevents/pkg/webhook"
)

func health(t *testing.T, r warehouse.Reader, now time.Time, days int) *report.Health {
	t.Helper()
	h, err := report.NewHealth(t.Context(), report.Config{Reader: r, Now: now, Days: days})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// lines returns the measures that are bad or a warning, and the number of the others.
func lines(h *report.Health) (list []string, others int) {
	for _, m := range h.Measures {
		if m.Status.Rank() < warehouse.StatusWarn.Rank() {
			others++
			continue
		}
		list = append(list, fmt.Sprintf("%s %s %s %s %s %d/%d", m.Status, m.Measure, m.Workspace, m.Message, m.Provider, m.Count, m.Of))
	}
	slices.Sort(list)
	return list, others
}

func TestHealth(t *testing.T) {
	t.Parallel()
	second := []string{ // of the e-mails of September 2nd
		"bad complaints default newsletter 2 / 21 all 3/210",
		"bad complaints default newsletter 2 / 21 other 3/30",
		"bad hard_bounces default newsletter 2 / 21 microsoft 10/200",
		"bad refused default newsletter 2 / 21 microsoft 10/200",
		"bad unauthenticated default newsletter 2 / 21 all 10/0",
		"bad unauthenticated default newsletter 2 / 21 microsoft 10/0",
		"warn hard_bounces default newsletter 2 / 21 all 10/230",
		"warn refused default newsletter 2 / 21 all 10/230",
	}
	first := []string{
		"warn complaints default campaign 1 / 11 all 1/1000", // two more at Gmail
		"warn complaints default campaign 1 / 11 yahoo 1/1000",
		"warn hard_bounces default campaign 1 / 11 gmail 8/400",
		"warn refused default campaign 1 / 11 gmail 5/400",
		"warn unauthenticated default campaign 1 / 11 all 1/0",
		"warn unauthenticated default campaign 1 / 11 gmail 1/0",
	}
	optouts := []string{"warn sent_after_optout optout   7/0"}
	at := func(day int) time.Time { return time.Date(2025, time.September, day, 12, 0, 0, 0, time.UTC) }
	for name, r := range readersOf(t, warehousetest.HealthRows()) {
		for _, c := range []struct {
			now    time.Time
			days   int
			want   []string
			status warehouse.Status
		}{
			{at(4), 0, slices.Concat(second, optouts, first), warehouse.StatusBad},
			{at(2), 1, second, warehouse.StatusBad},
			{at(1), 7, first, warehouse.StatusWarn},
			{at(5), 3, optouts, warehouse.StatusWarn},
			{at(20), 3, nil, warehouse.StatusFew},
		} {
			h := health(t, r, c.now, c.days)
			got, _ := lines(h)
			slices.Sort(c.want)
			if diff := cmp.Diff(c.want, got); diff != "" || h.Status != c.status {
				t.Errorf("%s, %d days to %s: %s (-want +got):\n%s", name, c.days, c.now.Format(time.DateOnly), h.Status, diff)
			}
			if !slices.IsSortedFunc(h.Measures, func(a, b report.Measure) int { return b.Status.Rank() - a.Status.Rank() }) {
				t.Errorf("%s: the worst measure is not the first: %v", name, h.Measures)
			}
		}
	}
}

// The measures are those of customerio_message_health, and a report has them, too.
func TestHealthIsThatOfTheViews(t *testing.T) {
	t.Parallel()
	for name, r := range readersOf(t, append(warehousetest.MixedRows(3000, 4), warehousetest.HealthRows()...)) {
		now := time.Date(2025, time.September, 3, 12, 0, 0, 0, time.UTC)
		h := health(t, r, now, 0)
		var got [][]any
		for _, m := range h.Measures {
			if m.Message != "" {
				got = append(got, []any{m.Measure, m.Workspace, m.Message, m.Provider, string(m.Status), m.Count, m.Of})
			}
		}
		same(t, name, got, list(t, r, `SELECT unnest(measures)[1], workspace, `+messageTitle+`, mailbox_provider, unnest(measures)[2], CAST(unnest(measures)[3] AS BIGINT), CAST(unnest(measures)[4] AS BIGINT)
FROM (SELECT *, list_filter([
    ['hard_bounces', bounce_status, hard_bounces::VARCHAR, sent::VARCHAR], ['refused', blocked_status, blocked::VARCHAR, sent::VARCHAR],
    ['unauthenticated', authentication_status, unauthenticated::VARCHAR, '0'],
    ['complaints', complaint_status, complaints_outside_gmail::VARCHAR, delivered_outside_gmail::VARCHAR]], lambda m: m[2] IS NOT NULL) AS measures
  FROM customerio_message_health)`))
		if diff := cmp.Diff(h, newReport(t, report.Config{Reader: r, Now: now}).Health); diff != "" {
			t.Errorf("%s (-health +report):\n%s", name, diff)
		}
	}
}

// messageTitle is the title of a message without a name.
const messageTitle = "concat_ws(' / ', coalesce(source || ' ' || source_id, 'without a source'), action_id, content_id)"

// A single e-mail is no reason for praise. What counts from the first e-mail on is judged.
func TestHealthOfOneEvent(t *testing.T) {
	t.Parallel()
	for failure, want := range map[string]warehouse.Status{"": warehouse.StatusFew, "550 5.7.26 unauthenticated": warehouse.StatusWarn} {
		e := webhook.Event{Metric: webhook.Sent, DeliveryID: "d", OccurredAt: time.Date(2025, time.September, 1, 10, 0, 0, 0, time.UTC)}
		if failure != "" {
			e.Metric, e.FailureMessage = webhook.Bounced, failure
		}
		for name, r := range readersOf(t, rowsOfEvents(e)) {
			got := newReport(t, report.Config{Reader: r})
			page := render(t, got)
			if got.Health.Status != want || !strings.Contains(page, got.Health.Verdict()) || (want == warehouse.StatusFew) != strings.Contains(page, "too few e-mails to judge a rate") {
				t.Errorf("%s, %q: %s, %s", name, failure, got.Health.Status, got.Health.Verdict())
			}
			for _, k := range got.Health.Kinds {
				if k.Least > 0 && k.Status != warehouse.StatusFew {
					t.Errorf("%s: %+v", name, k)
				}
			}
		}
	}
}

// Sheets of a report name the limits.
func TestLimitsOfKinds(t *testing.T) {
	t.Parallel()
	var got []string
	for _, k := range health(t, readersOf(t, nil)["duckdb"], time.Now(), 0).Kinds {
		got = append(got, k.Title()+": "+strings.Join(k.Limits(), ", "))
	}
	want := []string{
		"complaints of delivered, outside Gmail: 0.10 %, 0.30 %, 1000, or 3 cases",
		"hard bounces of sent: 2.0 %, 5.0 %, 200",
		"refused by the provider, of sent: 1.0 %, 5.0 %, 200",
		"refused because the sender is not authenticated: 1, 10, 1",
		"human opens below the median of 28 days: 30.0 %, 50.0 %, 1000",
		"sent more than 48 hours after an opt-out: 1, 10, 1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// The opens of a day are compared with the days before, when people have had two days to
// open.
// In the evening of Los Angeles the day is over in UTC. The day of the warehouse counts:
// otherwise nothing is judged, and a script goes on sending.
func TestHealthInTheZoneOfTheWarehouse(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "e.duckdb")
	sink, err := duckdb.New(duckdb.Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	if err := sink.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := sink.SetTimezone(t.Context(), "America/Los_Angeles"); err != nil {
		t.Fatal(err)
	}
	row := warehousetest.Rows(1)[0]
	row.Timestamp = time.Date(2025, time.September, 2, 22, 0, 0, 0, time.UTC)
	warehousetest.Fill(t, sink, []warehouse.Row{row})
	reader, err := duckdb.OpenReader(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	h := health(t, reader, time.Date(2025, time.September, 3, 3, 0, 0, 0, time.UTC), 1)
	if h.Since != "2025-09-02" || len(h.Measures) == 0 || h.At.Location() != time.UTC {
		t.Errorf("health of one day: %+v", h)
	}
}

func TestHealthOfOpens(t *testing.T) {
	t.Parallel()
	var rows []warehouse.Row
	add := func(day int, metric webhook.Metric, n int) {
		e := webhook.Event{
			ObjectType: "email", Metric: metric, CampaignID: 1, DeliveryID: fmt.Sprintf("d%d-%d", day, n), Recipient: "p@gmail.com", Raw: []byte("{}"),
			OccurredAt: time.Date(2025, time.September, day, 10, 0, 0, 0, time.UTC),
		}
		rows = append(rows, warehouse.NewRow(&e, warehouse.Origin{EventID: e.DeliveryID, Workspace: "default", ReceivedAt: e.OccurredAt}))
	}
	for day, opened := range map[int]int{1: 400, 2: 500, 3: 400, 4: 300, 5: 400, 6: 390, 7: 280, 8: 100} {
		for n := range 1000 {
			add(day, webhook.Delivered, n)
			if n < opened {
				add(day, webhook.Opened, n)
			}
		}
	}
	for name, r := range readersOf(t, rows) {
		for day, want := range map[int]string{
			7:  "",                                      // four days before the 5th are not enough
			8:  "ok human_opens 390/1000 usually 400",   // on the 6th
			9:  "warn human_opens 280/1000 usually 400", // on the 7th
			10: "bad human_opens 100/1000 usually 400",  // on the 8th
			40: "bad human_opens 100/1000 usually 400",  // the latest day with e-mails
			99: "",                                      // too long ago
		} {
			got := ""
			for _, m := range health(t, r, time.Date(2025, time.September, day, 12, 0, 0, 0, time.UTC), 1).Measures {
				if m.Measure == "human_opens" {
					got += fmt.Sprintf("%s %s %d/%d usually %d", m.Status, m.Measure, m.Count, m.Of, m.Usual)
				}
			}
			if got != want {
				t.Errorf("%s, September %d: %q, want %q", name, day, got, want)
			}
		}
	}
}
