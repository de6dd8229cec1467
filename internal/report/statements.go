package report

import (
	"fmt"
	"strings"
	"time"
)

// most bounds the lists of bounces and links.
const most = 50

// queries has the statements of a report. The statements count like the views. They
// read customerio_deliveries and customerio_events where a view has no column for a
// filter: customerio_messages has no day. A test compares the numbers with the views.
type queries struct{ newest, funnel, daily, bounces, links, latency string }

// statements returns the statements for a time and a campaign. Both are written into
// the SQL; neither is a text that needs quotes.
func statements(d dialect, since *time.Time, campaign int64) queries {
	ofCampaign := fmt.Sprintf("source = 'campaign' AND source_id = '%d'", campaign)
	where := func(column string, more ...string) string {
		switch {
		case since == nil:
		case column == "day":
			more = append(more, fmt.Sprintf("day >= DATE '%s'", since.Format(time.DateOnly)))
		default: // the readers' time zone is UTC
			more = append(more, fmt.Sprintf("%s >= TIMESTAMP '%s'", column, since.UTC().Format("2006-01-02 15:04:05")))
		}
		if campaign != 0 {
			more = append(more, ofCampaign)
		}
		return "WHERE " + strings.Join(append(more, "true"), " AND ")
	}
	newest := `SELECT max(timestamp) AS newest FROM customerio_events `
	if campaign != 0 {
		newest += "WHERE " + ofCampaign
	}
	limit := fmt.Sprintf("LIMIT %d", most)
	delay := d.between("MILLISECOND", "timestamp", "received_at")
	toOpen := d.between("MILLISECOND", "coalesce(delivered_at, sent_at)", "human_opened_at")
	return queries{
		newest: newest,
		// A delivery belongs to the day of its first event, so that a report counts
		// all stages of the delivery.
		funnel: `SELECT workspace, coalesce(object_type, '') AS object_type, CASE WHEN source = 'campaign' THEN CAST(source_id AS INT64) ELSE 0 END AS campaign_id,
  count(sent_at) AS sent, ` + countIf("outcome = 'delivered'") + ` AS delivered, count(human_opened_at) AS unique_human_opens,
  count(human_clicked_at) AS unique_clicks, count(converted_at) AS conversions, ` + countIf("outcome IN ('hard', 'soft', 'unknown')") + ` AS bounced,
  ` + countIf("outcome IN ('dropped', 'failed', 'undeliverable')") + ` AS failed, count(unsubscribed_at) AS unsubscribes, count(complained_at) AS spam_complaints,
  ` + d.quantile("CASE WHEN "+toOpen+" < 0 THEN 0 ELSE "+toOpen+" / 1000 END", 50) + ` AS p50_seconds_to_open
FROM customerio_deliveries ` + where("first_event_at") + ` GROUP BY 1, 2, 3 ORDER BY sent DESC, 1, 2, 3`,
		daily: `SELECT CAST(day AS STRING) AS day, CAST(sum(sent) AS INT64) AS sent, CAST(sum(delivered) AS INT64) AS delivered,
  CAST(sum(human_opens) AS INT64) AS human_opens, CAST(sum(human_clicks) AS INT64) AS clicks, CAST(sum(hard_bounces + soft_bounces + unknown_bounces) AS INT64) AS bounces,
  CAST(sum(unsubscribes) AS INT64) AS unsubscribes, CAST(sum(conversions) AS INT64) AS conversions, CAST(sum(events) AS INT64) AS events
FROM customerio_activity_daily ` + where("day", "day IS NOT NULL") + ` GROUP BY day ORDER BY day`,
		bounces: `SELECT ` + d.withoutNames("coalesce(failure_message, '')") + ` AS reason, count(*) AS bounces
FROM customerio_events ` + where("timestamp", "metric = 'bounced'") + ` GROUP BY 1 ORDER BY bounces DESC, 1 ` + limit,
		links: `SELECT workspace, coalesce(campaign_id, 0) AS campaign_id, ` + d.withoutNames("coalesce(href, '')") + ` AS href,
  count(*) AS clicks, count(DISTINCT delivery_id) AS unique_clicks, count(DISTINCT customer_id) AS people
FROM customerio_events ` + where("timestamp", "metric = 'clicked'", "NOT coalesce(is_machine, false)") + ` GROUP BY 1, 2, 3 ORDER BY clicks DESC, 1, 2, 3 ` + limit,
		latency: `SELECT ` + d.hour("received_at") + ` AS hour, count(*) AS events,
  ` + d.quantile(delay, 50) + ` AS p50_ms,
  ` + d.quantile(delay, 99) + ` AS p99_ms
FROM customerio_events ` + where("received_at") + ` GROUP BY hour ORDER BY hour`,
	}
}

// countIf counts the rows with a condition.
func countIf(condition string) string { return "count(CASE WHEN " + condition + " THEN 1 END)" }

// withoutNames returns an expression that reduces each e-mail address to its domain:
// people pass a report on, and messages that differ only in the address are one reason.
func (d dialect) withoutNames(column string) string {
	return d.replace(column, `[^\s<>"':;,()\[\]=&/?]+(@|%40)([A-Za-z0-9.-]+)`, `…\1\2`)
}
