package report

import (
	"fmt"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// own reports whether a statement about events must read the rows itself: the functions of
// the views know the days of the warehouse's zone only. The statements below repeat the SQL
// of the views; a test compares them.
func (w *writer) own() bool { return w.zone != "" && w.since+w.until != "" }

func (w *writer) links() string {
	from := w.view(warehouse.Links, w.span, 0)
	if w.own() || w.ownGroups != "" { // the view joins names, which the report has
		from = w.linksOfRows()
	}
	return "SELECT " + key + ", coalesce(url, '') AS url, human_clicks, clicked_deliveries, people\nFROM " + from + " WHERE true" + w.ofCampaign +
		fmt.Sprintf(" ORDER BY human_clicks DESC, 7, 1, 2, 3, 4, 5, 6 LIMIT %d", most)
}

// linksOfRows returns customerio_links of the days. A path's token is replaced twice,
// because a match contains the end of the segment before.
func (w *writer) linksOfRows() string {
	//nolint:gosec // the pattern of a token
	const token, by = "([^/]/)[0-9A-Za-z_=.~-]*(?:[0-9A-Za-z_=]{20}|[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3})[^/]*", `\1…`
	short := func(url string) string {
		return w.replace(w.replace(w.replace(url, "(?s)[?#].*", ""), token, by), token, by)
	}
	of := " FROM " + w.rows + " WHERE metric = 'clicked' AND shape IS DISTINCT FROM 'backfill' AND NOT coalesce(is_machine, false)" + w.within("timestamp", w.span)
	clicks := "SELECT workspace, object_type, source, source_id, action_id, content_id, delivery_id, customer_id, link_id, link_name, " + short("href") + " AS url" + of
	if w.rows != warehouse.Events {
		clicks = `SELECT workspace, max(object_type) AS object_type, max(source) AS source, max(source_id) AS source_id, max(action_id) AS action_id,
        max(content_id) AS content_id, max(delivery_id) AS delivery_id, max(customer_id) AS customer_id, max(link_id) AS link_id,
        max(link_name) AS link_name, ` + short("max(href)") + " AS url" + of + " GROUP BY workspace, event_id"
	}
	return `(
  SELECT workspace, object_type, source, source_id, action_id, content_id,
    CASE WHEN min(url) = max(url) THEN min(url) ELSE concat(` + w.replace("min(url)", "(?s)^((?:[^/]*//[^/]*)?).*", `\1`) + `, '/…') END AS url,
    count(*) AS human_clicks, count(DISTINCT delivery_id) AS clicked_deliveries, count(DISTINCT customer_id) AS people
  FROM (
    SELECT *, CASE WHEN link_id IS NULL AND link_name IS NULL THEN url END AS own_url
    FROM (` + clicks + `) e
  ) l
  GROUP BY workspace, object_type, source, source_id, action_id, content_id, link_id, link_name, own_url
) c`
}

func (w *writer) latency() string {
	from := w.view(warehouse.PipelineLatency, w.span, 0)
	if w.own() {
		from = w.latencyOfRows()
	}
	return "SELECT hour, events, p50_ms, p90_ms, p99_ms FROM " + from + " ORDER BY hour"
}

// latencyOfRows returns customerio_pipeline_latency of the days.
func (w *writer) latencyOfRows() string {
	of := " FROM " + w.rows + " WHERE shape IS DISTINCT FROM 'backfill'" + w.within("timestamp", w.span)
	once := "SELECT received_at, timestamp AS occurred_at" + of
	if w.rows != warehouse.Events {
		once = "SELECT min(received_at) AS received_at, min(timestamp) AS occurred_at" + of + " GROUP BY workspace, event_id, metric"
	}
	return fmt.Sprintf(`(
  SELECT hour, events, %s AS p50_ms, %s AS p90_ms, %s AS p99_ms
  FROM (SELECT %s AS hour, count(*) AS events, %s AS p FROM (%s) e GROUP BY 1) h
) c`, w.quantile("p", 50), w.quantile("p", 90), w.quantile("p", 99), w.hour("received_at"), w.quantiles(w.milliseconds("occurred_at", "received_at")), once)
}
