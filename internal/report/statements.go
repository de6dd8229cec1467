package report

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// most bounds the lists of bounces and links.
const most = 50

// Days that no event is before or after. A table function may add and subtract some weeks
// without leaving the years 1 to 9999, which are all that BigQuery has.
const (
	firstDay = "0002-01-01"
	lastDay  = "9998-12-31"
)

// queries has the statements of a report.
type queries struct{ newest, names, counts, times, links, latency string }

// A span is the days of a report. zone is "" for the zone of the warehouse.
type span struct{ schema, since, until, zone string }

// view returns the view's rows of the days, and of extra days before and after.
func (s span) view(name string, extra int) string {
	if s.since == "" && s.until == "" {
		return name
	}
	first, last := shift(cmp.Or(s.since, firstDay), -extra), shift(cmp.Or(s.until, lastDay), extra)
	return between(s.schema, name, first, last)
}

// between returns the view's rows of the days from the first to the last. BigQuery looks for
// a table function in its dataset only if the call says so.
func between(schema, view, first, last string) string {
	return fmt.Sprintf("%s.%s%s(DATE '%s', DATE '%s')", cmp.Or(schema, warehouse.DefaultSchema), view, warehouse.Between, first, last)
}

func shift(day string, days int) string {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return day // the warehouse says what is wrong
	}
	return t.AddDate(0, 0, days).Format(time.DateOnly)
}

// statements returns the statements for some days and a campaign. Each statement reads the
// events once. Nothing that is written into the SQL needs quotes.
func statements(d dialect, s span, campaign int64) queries {
	day, extra := "day", 0
	if s.zone != "" { // the warehouse's days may begin up to a day earlier or later
		day, extra = d.day("coalesce(sent_at, first_event_at)", s.zone), 1
	}
	where := "WHERE true"
	if s.zone != "" {
		where = fmt.Sprintf("WHERE %s BETWEEN DATE '%s' AND DATE '%s'", day, cmp.Or(s.since, firstDay), cmp.Or(s.until, lastDay))
	}
	ofCampaign := ""
	if campaign != 0 {
		ofCampaign = fmt.Sprintf(" AND source = 'campaign' AND source_id = '%d'", campaign)
	}
	deliveries := s.view(warehouse.Deliveries, extra) + " " + where + ofCampaign
	return queries{
		newest: "SELECT max(timestamp) AS newest FROM customerio_events WHERE true" + ofCampaign,
		names:  "SELECT workspace, source, source_id, coalesce(action_id, 0) AS action_id, coalesce(content_id, 0) AS content_id, name FROM customerio_names",
		counts: "SELECT " + key + ", CAST(" + day + ` AS STRING) AS day, coalesce(mailbox_provider, '') AS mailbox_provider, outcome,
  CASE WHEN outcome IN ('hard', 'soft', 'unknown') THEN coalesce(failure_message, '') ELSE '' END AS reason,
  count(*) AS deliveries, count(sent_at) AS sent, count(human_opened_at) AS human_opens, count(human_clicked_at) AS human_clicks,
  count(converted_at) AS conversions, count(unsubscribed_at) AS unsubscribes, count(complained_at) AS complaints, max(last_event_at) AS newest
FROM ` + deliveries + " GROUP BY " + ordinals(10),
		times: timesOf(d, deliveries),
		links: "SELECT " + key + `, coalesce(url, '') AS url, human_clicks, clicked_deliveries, people
FROM ` + s.view(warehouse.Links, 0) + " WHERE true" + ofCampaign + fmt.Sprintf(" ORDER BY human_clicks DESC, 7, 1, 2, 3, 4, 5, 6 LIMIT %d", most),
		latency: "SELECT hour, events, p50_ms, p90_ms, p99_ms FROM " + s.view(warehouse.PipelineLatency, 0) + " ORDER BY hour",
	}
}

// key is the columns of Key.
const key = "workspace, coalesce(object_type, '') AS object_type, coalesce(source, '') AS source, coalesce(source_id, '') AS source_id, " +
	"coalesce(action_id, 0) AS action_id, coalesce(content_id, 0) AS content_id"

func ordinals(n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = strconv.Itoa(i + 1)
	}
	return strings.Join(list, ", ")
}

// timesOf returns the statement for the times to open and to deliver, of each message and of
// each channel.
func timesOf(d dialect, deliveries string) string {
	var columns strings.Builder
	for _, percent := range []int{50, 90, 99} {
		fmt.Fprintf(&columns, ", coalesce(%s, 0) AS open_p%d, coalesce(%s, 0) AS deliver_p%d",
			d.quantile("opens", percent), percent, d.quantile("arrivals", percent), percent)
	}
	return `SELECT workspace, object_type, coalesce(source, '') AS source, coalesce(source_id, '') AS source_id,
  coalesce(action_id, 0) AS action_id, coalesce(content_id, 0) AS content_id, channel = 1 AS channel, opened, delivered` + columns.String() + `
FROM (
  SELECT workspace, object_type, source, source_id, action_id, content_id, GROUPING(source) AS channel,
    count(to_open) AS opened, count(to_deliver) AS delivered, ` + d.quantiles("to_open") + " AS opens, " + d.quantiles("to_deliver") + ` AS arrivals
  FROM (
    SELECT ` + key + `,
      CASE WHEN human_opened_at IS NOT NULL AND coalesce(delivered_at, sent_at) IS NOT NULL THEN greatest(` + d.seconds("coalesce(delivered_at, sent_at)", "human_opened_at") + `, 0) END AS to_open,
      CASE WHEN sent_at IS NOT NULL AND delivered_at IS NOT NULL THEN greatest(` + d.seconds("sent_at", "delivered_at") + `, 0) END AS to_deliver
    FROM ` + deliveries + `
  ) d
  GROUP BY GROUPING SETS ((workspace, object_type), (workspace, object_type, source, source_id, action_id, content_id))
) q`
}
