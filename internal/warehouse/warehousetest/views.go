package warehousetest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// A view has the rows that one view must show of the fixture, one row a line. Spaces
// separate the values, and no text has a space. The order of lines does not matter.
type view struct {
	name    string
	columns string
	want    string
}

// Views writes the rows of fixtureRows into the warehouse and checks the numbers of
// every view. The function query runs one SELECT and returns the rows. Views in the
// SELECT have no schema, and numbers may have any type.
//
// All numbers were calculated by hand from the comments in fixtureRows, not copied
// from a warehouse.
func Views(t *testing.T, w Warehouse, query func(t *testing.T, sql string) [][]any) {
	t.Helper()
	p := suite{t: t, Warehouse: w}
	sink := p.open()
	for range 2 { // repeats must not count
		p.checkRejected(p.write(sink, fixtureRows()))
	}
	tested := map[string]bool{}
	for _, v := range views {
		tested[v.name] = true
		t.Run(v.name, func(t *testing.T) { v.check(t, query) })
	}
	for _, name := range warehouse.Views() {
		if !tested[name] {
			t.Errorf("the suite has no numbers for view %s", name)
		}
	}
}

func (v *view) check(t *testing.T, query func(*testing.T, string) [][]any) {
	t.Helper()
	var got []string
	for _, row := range query(t, fmt.Sprintf("SELECT %s FROM %s", v.columns, v.name)) {
		values := make([]string, len(row))
		for i := range row {
			values[i] = text(row[i])
		}
		got = append(got, strings.Join(values, " "))
	}
	var want []string
	for line := range strings.Lines(strings.TrimSpace(v.want)) {
		want = append(want, strings.Join(strings.Fields(line), " "))
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("SELECT %s\ngot\n\t%s\nwant\n\t%s", v.columns, strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

// text formats a value like the wanted rows: a time of the fixture's first day without
// the date, a number with up to three decimals.
func text(v any) string {
	switch v := v.(type) {
	case nil:
		return "-"
	case time.Time:
		v = v.UTC()
		if midnight := v.Truncate(24 * time.Hour); v.Equal(midnight) {
			return v.Format(time.DateOnly)
		}
		return strings.TrimPrefix(v.Format("01-02T15:04:05"), "09-01T")
	case float64:
		return strconv.FormatFloat(float64(int64(v*1000+0.5))/1000, 'f', -1, 64)
	default:
		return fmt.Sprint(v)
	}
}

var views = []view{
	{warehouse.Deliveries, `workspace, delivery_id, object_type, customer_id, recipient, campaign_id, transactional_message_id,
		sent_at, delivered_at, opened_at, human_opened_at, clicked_at, converted_at, bounced_at, failed_at, unsubscribed_at, spammed_at,
		opens, human_opens, clicks, first_event_at, last_event_at`, `
default d1 email p1 a@example.com 7 -  09:00:00 09:00:10 09:00:20 09:01:50 09:02:00 09-02T00:40:00 - - - -  3 2 2  09:00:00 09-02T00:40:00
default d2 email p2 b@example.com 7 -  09:00:00 09:00:10 09:03:30 09:03:30 - - - - 09:04:00 -               1 1 0  09:00:00 09:04:00
default d3 email p3 c@example.com 7 -  09:00:00 09:00:10 09:00:15 - - - - - - -                             1 0 0  09:00:00 09:00:16
default d4 email p4 d@Example.ORG 7 -  09:00:00 - - - - - 09:00:30 - - -                                    0 0 0  09:00:00 09:00:40
default d5 push  p5 -             8 -  - - - - - - - 09:05:00 - -                                           0 0 0  09:05:00 09:05:00
default d6 email p6 f@example.com - 3  10:00:00 - 10:00:30 10:00:30 - - - - - 10:20:00                      1 1 0  10:00:00 10:20:00
default d7 sms   p7 +15550100     9 -  13:00:00 - - - - - 13:00:05 - - -                                    0 0 0  13:00:00 13:00:05
other   d1 email p1 x@example.com 7 -  12:00:00 12:00:10 - - 12:01:00 - - - - -                             0 0 1  12:00:00 12:01:00`},

	{warehouse.CampaignFunnel, `workspace, object_type, campaign_id, sent, delivered, bounced, failed, unique_opens, unique_human_opens, unique_clicks,
		conversions, unsubscribes, spam_complaints, delivery_rate, bounce_rate, open_rate, human_open_rate, click_rate, click_to_open_rate`, `
default email 7  4 3 1 0  3 2 1  1 1 0  0.75 0.25 1 0.667 0.333 0.5
default email -  1 0 0 0  1 1 0  0 0 1  0    0    - -     -     0
default push  8  0 0 0 1  0 0 0  0 0 0  -    -    - -     -     -
default sms   9  1 0 1 0  0 0 0  0 0 0  0    1    - -     -     -
other   email 7  1 1 0 0  0 0 1  0 0 0  1    0    0 0     1     -`},

	{warehouse.CampaignDaily, `workspace, day, object_type, campaign_id, sent, delivered, human_opens, clicks, bounces, unsubscribes, conversions, events`, `
default 2025-09-01 email    7  4 3 2 1 1 1 0  16
default 2025-09-02 email    7  0 0 1 1 0 0 1  3
default 2025-09-01 push     8  0 0 0 0 0 0 0  1
default 2025-09-01 email    -  1 0 1 0 0 0 0  3
default 2025-09-01 customer -  0 0 0 0 0 0 0  1
default 2025-09-01 sms      9  1 0 0 0 1 0 0  2
default -          email    -  0 0 0 0 0 0 0  1
other   2025-09-01 email    7  1 1 0 1 0 0 0  3`},

	{warehouse.TimeToOpen, `workspace, campaign_id, opened_deliveries, p50_seconds, p90_seconds`, `
default 7 2 150 190
default - 1 30  30`},

	{warehouse.Bounces, `workspace, day, domain, failure_message, bounces`, `
default 2025-09-01 example.org 550-5.1.1 2
default 2025-09-01 -           30003     1`},

	{warehouse.LinkClicks, `workspace, campaign_id, link_id, href, clicks, unique_clicks, people`, `
default 7 1 https://example.com/ 2 1 1
other   7 1 https://example.com/ 1 1 1`},

	{warehouse.PipelineLatency, `hour, events, p50_ms, p99_ms`, `
09:00:00   17 1000 1000
10:00:00   4  250  397
11:00:00   1  -    -
12:00:00   3  1000 1000
13:00:00   2  1000 1000
2025-09-02 3  1000 1000`},
}
