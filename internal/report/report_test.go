package report_test

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/report"
	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/duckdb"
	"github.com/cioevents/cioevents/internal/warehouse/duckdbsql"
	"github.com/cioevents/cioevents/internal/warehouse/parquet"
	"github.com/cioevents/cioevents/internal/warehouse/warehousetest"
	"github.com/cioevents/cioevents/pkg/webhook"
)

func rows() []warehouse.Row {
	list := warehousetest.Rows(500)
	for i, id := range []string{"ann", "joe"} {
		e := list[0].Event
		e.DeliveryID, e.Metric = "own-"+id, webhook.Bounced
		e.OccurredAt = time.Date(2025, time.September, 20+i, 12, 0, 0, 0, time.UTC)
		e.FailureMessage = "550 5.1.1 <" + id + "@example.com> unknown, see https://example.com/help?u=" + id
		origin := list[0].Origin
		origin.EventID = "own-" + id
		list = append(list, warehouse.NewRow(&e, origin))
	}
	return list
}

func fill(t *testing.T, rows []warehouse.Row, sink warehouse.Sink, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	warehousetest.Fill(t, sink, rows)
}

// readersOf returns a reader of each kind of warehouse with the same rows.
func readersOf(t *testing.T, rows []warehouse.Row) map[string]warehouse.Reader {
	t.Helper()
	path, dir := filepath.Join(t.TempDir(), "e.duckdb"), t.TempDir()
	file, err := duckdb.New(duckdb.Config{Path: path})
	fill(t, rows, file, err)
	folder, err := parquet.New(parquet.Config{Dir: dir})
	fill(t, rows, folder, err)
	list := map[string]warehouse.Reader{}
	if list["duckdb"], err = duckdb.OpenReader(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	if list["parquet"], err = duckdb.OpenFolder(t.Context(), dir, parquet.Views(dir)); err != nil {
		t.Fatal(err)
	}
	for _, r := range list {
		t.Cleanup(func() {
			if err := r.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
		})
	}
	return list
}

// rowsOf names the table with all rows of each kind of warehouse.
var rowsOf = map[string]string{"duckdb": warehouse.Events, "parquet": duckdbsql.Raw}

func newReport(t *testing.T, cfg report.Config) *report.Report {
	t.Helper()
	r, err := report.New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func list(t *testing.T, r warehouse.Reader, statement string) [][]any {
	t.Helper()
	table, err := warehouse.ReadTable(t.Context(), r, statement)
	if err != nil {
		t.Fatal(err)
	}
	return table.Rows
}

// The report counts the deliveries itself. Its numbers are those of the views.
func TestNumbersAreThoseOfTheViews(t *testing.T) {
	t.Parallel()
	for name, reader := range readersOf(t, warehousetest.MixedRows(2000, 5)) {
		got := newReport(t, report.Config{Reader: reader})
		messages, days, open, events := [][]any{}, [][]any{}, [][]any{}, int64(0)
		for _, m := range got.Messages {
			messages = append(messages, append([]any{m.Workspace, m.ObjectType, m.Source, m.SourceID, m.Action, m.Content}, slices.Concat(counts(&m.Counts), rates(&m.Rates))...))
			if o := m.ToOpen; o != nil {
				open = append(open, []any{m.Workspace, m.ObjectType, m.Source, m.SourceID, m.Action, m.Content, o.Count, o.P50, o.P90, o.P99})
			}
		}
		for _, d := range got.Days {
			days = append(days, append([]any{d.Day}, counts(&d.Counts)...))
		}
		for _, h := range got.Latency {
			events += h.Events
		}
		const key = "workspace, object_type, coalesce(source, ''), coalesce(source_id, ''), coalesce(action_id, 0), coalesce(content_id, 0)"
		same(t, name+" messages", messages, list(t, reader, "SELECT "+key+countColumns+rateColumns+" FROM customerio_messages GROUP BY ALL"))
		same(t, name+" days", days, list(t, reader, "SELECT CAST(day AS VARCHAR)"+countColumns+" FROM customerio_daily GROUP BY 1"))
		same(t, name+" times to open", open, list(t, reader, "SELECT "+key+", opened_deliveries, p50_seconds, p90_seconds, p99_seconds FROM customerio_time_to_open"))
		same(t, name+" events", [][]any{{events}}, list(t, reader, "SELECT CAST(sum(events) AS BIGINT) FROM customerio_pipeline_latency"))
	}
}

const countColumns = `, CAST(sum(deliveries) AS BIGINT), CAST(sum(sent) AS BIGINT), CAST(sum(delivered) AS BIGINT), CAST(sum(hard_bounces) AS BIGINT),
  CAST(sum(soft_bounces) AS BIGINT), CAST(sum(unknown_bounces) AS BIGINT), CAST(sum(failed) AS BIGINT), CAST(sum(human_opens) AS BIGINT), CAST(sum(human_clicks) AS BIGINT),
  CAST(sum(conversions) AS BIGINT), CAST(sum(unsubscribes) AS BIGINT), CAST(sum(complaints) AS BIGINT),
  CAST(sum(complaints_outside_gmail) AS BIGINT), CAST(sum(delivered_outside_gmail) AS BIGINT)`

const rateColumns = ", delivery_rate, open_rate, click_rate, click_to_open_rate, bounce_rate, complaint_rate, unsubscribe_rate"

func counts(c *report.Counts) []any {
	return []any{c.Deliveries, c.Sent, c.Delivered, c.HardBounces, c.SoftBounces, c.UnknownBounces, c.Failed, c.Opens, c.Clicks, c.Conversions, c.Unsubscribes, c.Complaints, c.ComplaintsOutside, c.OutsideGmail}
}

func rates(r *report.Rates) []any {
	return []any{number(r.Delivery), number(r.Open), number(r.Click), number(r.ClickToOpen), number(r.Bounce), number(r.Complaint), number(r.Unsubscribe)}
}

func number(rate *float64) any {
	if rate == nil {
		return nil
	}
	return *rate
}

// same compares lists without their order.
func same(t *testing.T, what string, got, want [][]any) {
	t.Helper()
	if len(want) == 0 {
		t.Errorf("%s: nothing to compare", what)
	}
	for _, l := range [][][]any{got, want} {
		slices.SortFunc(l, func(a, b []any) int { return cmp.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-views +report):\n%s", what, diff)
	}
}

func TestDaysCampaignAndAddresses(t *testing.T) {
	t.Parallel()
	for name, reader := range readersOf(t, rows()) {
		cfg := report.Config{Reader: reader, Days: 2, Now: time.Date(2025, time.September, 21, 18, 0, 0, 0, time.UTC)}
		got := newReport(t, cfg)
		want := []report.Bounce{{Class: "hard", Provider: "other", Reason: "550 5.1.1 <…> unknown, see https://example.com/help", Count: 2}}
		if diff := gocmp.Diff(want, got.Bounces); diff != "" {
			t.Errorf("%s: bounces (-want +got):\n%s", name, diff)
		}
		if len(got.Days) != 2 || got.Days[0].Day != "2025-09-20" || len(got.Links) != 0 {
			t.Errorf("%s: days %+v, links %+v", name, got.Days, got.Links)
		}
		cfg.Since, cfg.Until = "-1d", "2025-09-20"
		if got = newReport(t, cfg); len(got.Days) != 1 || got.Since != "2025-09-20" || got.Summary.Deliveries != 1 {
			t.Errorf("%s: a single day: %+v", name, got.Days)
		}
		cfg.Since, cfg.Until, cfg.Days, cfg.Campaign = "", "", 0, 1<<40
		if got = newReport(t, cfg); len(got.Messages)+len(got.Days)+len(got.Bounces) != 0 || got.Newest != nil || !strings.Contains(got.Advice(), "without --campaign") {
			t.Errorf("%s: a campaign that is not there: %+v", name, got)
		}
	}
}

// People pass reports on: a link names nobody.
func TestLinksNameNobody(t *testing.T) {
	t.Parallel()
	row := warehousetest.Rows(1)[0]
	for _, path := range []string{"ann@example.com?token=1#x", "3f2b1c4d-9e8a-4b7c-8d6e-123456789abc"} {
		row.Metric, row.Href = webhook.Clicked, "https://example.com/bye/"+path
		for name, reader := range readersOf(t, []warehouse.Row{row}) {
			for _, zone := range []string{"", "Europe/Berlin"} { // of the view, and of the rows
				got := newReport(t, report.Config{Reader: reader, Rows: rowsOf[name], Timezone: zone, Since: "2025-01-01"})
				if len(got.Links) != 1 || got.Links[0].URL != "https://example.com/bye/…" {
					t.Errorf("%s, zone %q: %+v", name, zone, got.Links)
				}
			}
		}
	}
}

// 02:00 UTC is the evening before in New York.
func TestTimezoneMovesADay(t *testing.T) {
	t.Parallel()
	row := warehousetest.Rows(1)[0]
	row.Timestamp = time.Date(2025, time.September, 20, 2, 0, 0, 0, time.UTC)
	for name, reader := range readersOf(t, []warehouse.Row{row}) {
		for zone, day := range map[string]string{"": "2025-09-20", "America/New_York": "2025-09-19", "Asia/Tokyo": "2025-09-20"} {
			got := newReport(t, report.Config{Reader: reader, Timezone: zone, Since: day, Until: day})
			if len(got.Days) != 1 || got.Days[0].Day != day || got.Summary.Deliveries != 1 {
				t.Errorf("%s: zone %q: %+v", name, zone, got.Days)
			}
			render(t, got)
		}
		if got := newReport(t, report.Config{Reader: reader, Timezone: "America/New_York", Since: "2025-09-20"}); got.Summary.Deliveries != 0 || !strings.Contains(got.Advice(), "--days 0") {
			t.Errorf("%s: a day without deliveries: %+v", name, got.Summary)
		}
	}
}

func TestEmptyWarehouse(t *testing.T) {
	t.Parallel()
	for name, reader := range readersOf(t, nil) {
		got := newReport(t, report.Config{Reader: reader, Days: 30})
		if page := render(t, got); !strings.Contains(page, "cioctl status shows whether events wait") || strings.Contains(page, "<svg") || strings.Contains(page, "Health") {
			t.Errorf("%s: the page of an empty warehouse:\n%s", name, page)
		}
		if h := got.Health; h.Status != warehouse.StatusFew || len(h.Measures) != 0 || !strings.Contains(h.Verdict(), "no e-mails on these days") {
			t.Errorf("%s: the health of an empty warehouse: %+v", name, h)
		}
	}
}

func TestQueryThatFails(t *testing.T) {
	t.Parallel()
	reader, err := duckdb.OpenFolder(t.Context(), t.TempDir(), "SELECT 1")
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	if _, err := report.New(t.Context(), report.Config{Reader: reader}); err == nil || !strings.Contains(err.Error(), "customerio_settings") {
		t.Errorf("a warehouse without a table: %v", err)
	}
	if _, err := report.New(t.Context(), report.Config{}); err == nil {
		t.Error("no reader is no mistake")
	}
	for _, cfg := range []report.Config{{Since: "yesterday"}, {Since: "2025-09-02", Until: "2025-09-01"}, {Timezone: "Mars"}} {
		cfg.Reader = readersOf(t, nil)["duckdb"]
		if _, err := report.New(t.Context(), cfg); err == nil {
			t.Errorf("%+v is no mistake", cfg)
		}
	}
}
