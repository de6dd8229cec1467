package report

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

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

// A writer writes the statements of a report. Nothing that is written into the SQL needs
// quotes.
type writer struct {
	dialect
	span
	schema     string
	rows       string // the table with all rows of each event
	zone       string // "" for the zone of the warehouse, in which its functions count days
	ofCampaign string // a condition
	clock      clock
}

func newWriter(cfg *Config, s span) *writer {
	w := &writer{dialects[cmp.Or(cfg.Dialect, warehouse.DuckDBSQL)], s, cmp.Or(cfg.Schema, warehouse.DefaultSchema), cmp.Or(cfg.Rows, warehouse.Events), cfg.Timezone, "", clock{}}
	if cfg.Campaign != 0 {
		w.ofCampaign = fmt.Sprintf(" AND source = 'campaign' AND source_id = '%d'", cfg.Campaign)
	}
	return w
}

// view returns the view's rows of the days, and of extra days before and after. BigQuery
// looks for a table function in its dataset only if the call says so.
func (w *writer) view(name string, s span, extra int) string {
	if s.since == "" && s.until == "" {
		return name
	}
	first, last := shift(cmp.Or(s.since, firstDay), -extra), shift(cmp.Or(s.until, lastDay), extra)
	return fmt.Sprintf("%s.%s%s(DATE '%s', DATE '%s')", w.schema, name, warehouse.Between, first, last)
}

// within returns a condition on a timestamp: the moments of the days.
func (w *writer) within(timestamp string, s span) string {
	condition := ""
	if s.since != "" {
		condition = fmt.Sprintf(" AND %s >= %s", timestamp, w.instant(s.start(s.since)))
	}
	if s.until != "" {
		condition += fmt.Sprintf(" AND %s < %s", timestamp, w.instant(s.start(shift(s.until, 1))))
	}
	return condition
}

// near returns a condition on the timestamps of events of the days' deliveries.
func (w *writer) near(timestamp string, s span) string {
	if s.since != "" {
		s.since = shift(s.since, -warehouse.NearDays)
	}
	if s.until != "" {
		s.until = shift(s.until, warehouse.NearDays)
	}
	return w.within(timestamp, s)
}

// ofDays returns the view's rows whose day is within the days. sent is the timestamp of the
// day. In another zone than the warehouse's, days may begin up to a day earlier or later.
func (w *writer) ofDays(view, sent string, s span) string {
	if w.zone == "" {
		return w.view(view, s, 0) + " WHERE true" + w.ofCampaign
	}
	return w.view(view, s, 1) + " WHERE true" + w.within(sent, s) + w.ofCampaign
}

const sentAt = "coalesce(sent_at, first_event_at)"

// deliveries returns the deliveries of the days, and the expression of their day.
func (w *writer) deliveries(days span) (from, day string) {
	day = "day"
	if w.zone != "" {
		day = w.day(sentAt, w.zone)
	}
	return w.ofDays(warehouse.Deliveries, sentAt, days), day
}

// fill fills in the table of rows and the expressions of an own statement.
func (w *writer) fill(statement string, days span) string {
	const began = "make_timestamptz(began)"
	return strings.NewReplacer(
		"{rows}", w.rows, "{near}", w.near("timestamp", days), "{campaign}", w.ofCampaign, "{first within}", w.within("min(s.timestamp)", days),
		"{day}", w.day(began, w.place.String()), "{began within}", w.within(began, days), "{timed}", w.timed(days),
		"{base}", strconv.FormatInt(w.clock.base, 10), "{tick}", strconv.FormatInt(w.clock.tick, 10),
		"{time}", w.clock.kind, "{unsent}", w.clock.unsent, "{second}", w.clock.second,
		"{providers}", "['"+strings.Join(slices.Sorted(slices.Values(warehouse.Providers())), "', '")+"']",
		"{message}", "hash(workspace, object_type, source, source_id, action_id, content_id)",
	).Replace(statement)
}

// timed returns a condition on the days of the report, whose deliveries have times. Of the
// other days, only the opens count.
func (w *writer) timed(days span) string {
	if days == w.span {
		return "true"
	}
	return fmt.Sprintf("day BETWEEN DATE '%s' AND DATE '%s'", cmp.Or(w.since, firstDay), cmp.Or(w.until, lastDay))
}

func (w *writer) newest() string {
	return "SELECT max(timestamp) AS newest FROM customerio_events WHERE true" + w.ofCampaign
}

const names = "SELECT workspace, source, source_id, coalesce(action_id, 0) AS action_id, coalesce(content_id, 0) AS content_id, name FROM customerio_names"

// groups returns the statement for the groups of the deliveries of some days, for each
// message, and for each channel, which have the times of the deliveries of the report. One
// statement, because a warehouse takes longer to find the deliveries than for all else.
func (w *writer) groups(days span) string {
	if w.ownGroups != "" {
		return w.fill(w.ownGroups, days)
	}
	from, day := w.deliveries(days)
	var columns strings.Builder
	for _, percent := range []int{50, 90, 99} {
		fmt.Fprintf(&columns, ", coalesce(%s, 0) AS open_p%d, coalesce(%s, 0) AS deliver_p%d",
			w.quantile("opens", percent), percent, w.quantile("arrivals", percent), percent)
	}
	return "SELECT " + key + `, coalesce(CAST(day AS STRING), '') AS day, mailbox_provider, outcome, reason,
  deliveries, sent, human_opens, human_clicks, conversions, unsubscribes, complaints, newest, depth, opened, delivered` + columns.String() + `
FROM (
  SELECT workspace, object_type, source, source_id, action_id, content_id, day, mailbox_provider, outcome, reason, GROUPING(source) + GROUPING(day) AS depth,
    count(*) AS deliveries, count(sent_at) AS sent, count(human_opened_at) AS human_opens, count(human_clicked_at) AS human_clicks,
    count(converted_at) AS conversions, count(unsubscribed_at) AS unsubscribes, count(complained_at) AS complaints, max(last_event_at) AS newest,
    count(to_open) AS opened, count(to_deliver) AS delivered, ` + w.quantiles("to_open") + " AS opens, " + w.quantiles("to_deliver") + ` AS arrivals
  FROM (
    SELECT *,
      CASE WHEN ` + w.timed(days) + " AND human_opened_at IS NOT NULL AND coalesce(delivered_at, sent_at) IS NOT NULL THEN greatest(" + w.seconds("coalesce(delivered_at, sent_at)", "human_opened_at") + `, 0) END AS to_open,
      CASE WHEN ` + w.timed(days) + " AND sent_at IS NOT NULL AND delivered_at IS NOT NULL THEN greatest(" + w.seconds("sent_at", "delivered_at") + `, 0) END AS to_deliver
    FROM (
      SELECT ` + key + ", " + day + ` AS day, coalesce(mailbox_provider, '') AS mailbox_provider, outcome,
        CASE WHEN outcome IN ('hard', 'soft', 'unknown') THEN coalesce(failure_message, '') ELSE '' END AS reason,
        sent_at, delivered_at, human_opened_at, human_clicked_at, converted_at, unsubscribed_at, complained_at, last_event_at
      FROM ` + from + `
    ) d
  ) t
  GROUP BY GROUPING SETS (
    (workspace, object_type, source, source_id, action_id, content_id, day, mailbox_provider, outcome, reason),
    (workspace, object_type, source, source_id, action_id, content_id),
    (workspace, object_type))
) q`
}

// optouts returns the statement for the e-mails sent after an opt-out.
func (w *writer) optouts() string {
	if w.ownOptouts != "" {
		return w.fill(w.ownOptouts, w.span)
	}
	return "SELECT workspace, count(*) AS count FROM " + w.ofDays(warehouse.SentAfterOptout, "sent_at", w.span) + " GROUP BY workspace"
}

// key is the columns of Key.
const key = "workspace, coalesce(object_type, '') AS object_type, coalesce(source, '') AS source, coalesce(source_id, '') AS source_id, " +
	"coalesce(action_id, 0) AS action_id, coalesce(content_id, 0) AS content_id"
