package warehousetest

import "github.com/cioevents/cioevents/internal/warehouse"

// StableNumbers returns a query of each view, in the SQL of DuckDB, whose numbers stay the
// same when an event of the first release is read by a better parser, or gets the columns
// that this release has added: source, bounce_class and the like.
func StableNumbers() map[string]string {
	counts := "sum(sent), sum(delivered), sum(hard_bounces + soft_bounces + unknown_bounces), sum(failed), sum(human_opens), sum(human_clicks), " +
		"sum(conversions), sum(unsubscribes), sum(complaints)"
	return map[string]string{
		warehouse.Deliveries:    "SELECT workspace, delivery_id, sent_at, delivered_at, human_opened_at, human_clicked_at, bounced_at, human_opens, human_clicks, first_event_at, last_event_at FROM messaging.customerio_deliveries ORDER BY ALL",
		warehouse.Daily:         "SELECT day, sum(deliveries), " + counts + " FROM messaging.customerio_daily GROUP BY ALL ORDER BY ALL",
		warehouse.Messages:      "SELECT workspace, sum(deliveries), " + counts + " FROM messaging.customerio_messages GROUP BY ALL ORDER BY ALL",
		warehouse.ActivityDaily: "SELECT day, sum(events), " + counts + " FROM messaging.customerio_activity_daily GROUP BY ALL ORDER BY ALL",
		warehouse.TimeToOpen:    "SELECT sum(opened_deliveries) FROM messaging.customerio_time_to_open",
		warehouse.Links:         "SELECT sum(human_clicks), sum(clicked_deliveries) FROM messaging.customerio_links",
		warehouse.Bounces:       "SELECT day, sum(bounces) FROM messaging.customerio_bounces GROUP BY ALL ORDER BY ALL",
		warehouse.Preferences:   "SELECT count(*) >= 0 FROM messaging.customerio_preferences", // a new column

		warehouse.PipelineLatency: "FROM messaging.customerio_pipeline_latency ORDER BY ALL",
		warehouse.Events:          `SELECT workspace, event_id, metric, "timestamp", received_at, stream_sequence FROM messaging.customerio_events ORDER BY ALL`,
	}
}
