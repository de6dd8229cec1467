-- Views over the table of events. Every warehouse has these names and columns.
--
-- The column is_machine separates opens and clicks of machines from opens and clicks
-- of people. NULL means that the event does not say, and counts as a person. All
-- views count clicks of people only: a machine's click, such as a link scanner's, is
-- only in customerio_events. Opens include machines unless a column's name says
-- human.
--
-- Campaigns of two workspaces may have the same number.

CREATE OR REPLACE VIEW {schema}.customerio_deliveries AS
SELECT
  workspace, delivery_id, any_value(object_type) AS object_type, any_value(customer_id) AS customer_id, any_value(recipient) AS recipient,
  any_value(campaign_id) AS campaign_id, any_value(broadcast_id) AS broadcast_id, any_value(newsletter_id) AS newsletter_id,
  any_value(transactional_message_id) AS transactional_message_id, any_value(action_id) AS action_id,
  min("timestamp") FILTER (metric = 'sent') AS sent_at,
  min("timestamp") FILTER (metric = 'delivered') AS delivered_at,
  min("timestamp") FILTER (metric = 'opened') AS opened_at,
  min("timestamp") FILTER (metric = 'opened' AND NOT coalesce(is_machine, false)) AS human_opened_at,
  min("timestamp") FILTER (metric = 'clicked' AND NOT coalesce(is_machine, false)) AS clicked_at,
  min("timestamp") FILTER (metric = 'converted') AS converted_at,
  min("timestamp") FILTER (metric = 'bounced') AS bounced_at,
  min("timestamp") FILTER (metric IN ('dropped', 'failed', 'undeliverable', 'suppressed')) AS failed_at,
  min("timestamp") FILTER (metric = 'unsubscribed') AS unsubscribed_at,
  min("timestamp") FILTER (metric = 'spammed') AS spammed_at,
  count(*) FILTER (metric = 'opened') AS opens, count(*) FILTER (metric = 'opened' AND NOT coalesce(is_machine, false)) AS human_opens,
  count(*) FILTER (metric = 'clicked' AND NOT coalesce(is_machine, false)) AS clicks,
  min("timestamp") AS first_event_at, max("timestamp") AS last_event_at
FROM {schema}.customerio_events
WHERE delivery_id IS NOT NULL
GROUP BY workspace, delivery_id;

CREATE OR REPLACE VIEW {schema}.customerio_campaign_funnel AS
SELECT
  workspace, object_type, campaign_id,
  count(sent_at) AS sent, count(delivered_at) AS delivered, count(bounced_at) AS bounced, count(failed_at) AS failed,
  count(opened_at) AS unique_opens, count(human_opened_at) AS unique_human_opens, count(clicked_at) AS unique_clicks,
  count(converted_at) AS conversions, count(unsubscribed_at) AS unsubscribes, count(spammed_at) AS spam_complaints,
  count(delivered_at) / nullif(count(sent_at), 0) AS delivery_rate,
  count(bounced_at) / nullif(count(sent_at), 0) AS bounce_rate,
  count(opened_at) / nullif(count(delivered_at), 0) AS open_rate,
  count(human_opened_at) / nullif(count(delivered_at), 0) AS human_open_rate,
  count(clicked_at) / nullif(count(delivered_at), 0) AS click_rate,
  count(clicked_at) / nullif(count(human_opened_at), 0) AS click_to_open_rate
FROM {schema}.customerio_deliveries
GROUP BY workspace, object_type, campaign_id;

CREATE OR REPLACE VIEW {schema}.customerio_campaign_daily AS
SELECT
  workspace, CAST("timestamp" AT TIME ZONE 'UTC' AS DATE) AS day, object_type, campaign_id,
  count(DISTINCT delivery_id) FILTER (metric = 'sent') AS sent,
  count(DISTINCT delivery_id) FILTER (metric = 'delivered') AS delivered,
  count(DISTINCT delivery_id) FILTER (metric = 'opened' AND NOT coalesce(is_machine, false)) AS human_opens,
  count(DISTINCT delivery_id) FILTER (metric = 'clicked' AND NOT coalesce(is_machine, false)) AS clicks,
  count(DISTINCT delivery_id) FILTER (metric = 'bounced') AS bounces,
  count(DISTINCT delivery_id) FILTER (metric = 'unsubscribed') AS unsubscribes,
  count(DISTINCT delivery_id) FILTER (metric = 'converted') AS conversions,
  count(*) AS events
FROM {schema}.customerio_events
GROUP BY ALL;

CREATE OR REPLACE VIEW {schema}.customerio_time_to_open AS
SELECT
  workspace, campaign_id, count(*) AS opened_deliveries,
  quantile_cont(date_diff('second', coalesce(delivered_at, sent_at), human_opened_at), 0.5) AS p50_seconds,
  quantile_cont(date_diff('second', coalesce(delivered_at, sent_at), human_opened_at), 0.9) AS p90_seconds
FROM {schema}.customerio_deliveries
WHERE human_opened_at IS NOT NULL AND coalesce(delivered_at, sent_at) IS NOT NULL
GROUP BY workspace, campaign_id;

CREATE OR REPLACE VIEW {schema}.customerio_bounces AS
SELECT workspace, CAST("timestamp" AT TIME ZONE 'UTC' AS DATE) AS day, lower(nullif(split_part(recipient, '@', 2), '')) AS domain, failure_message, count(*) AS bounces
FROM {schema}.customerio_events
WHERE metric = 'bounced'
GROUP BY ALL;

CREATE OR REPLACE VIEW {schema}.customerio_link_clicks AS
SELECT workspace, campaign_id, link_id, href, count(*) AS clicks, count(DISTINCT delivery_id) AS unique_clicks, count(DISTINCT customer_id) AS people
FROM {schema}.customerio_events
WHERE metric = 'clicked' AND NOT coalesce(is_machine, false)
GROUP BY ALL;

CREATE OR REPLACE VIEW {schema}.customerio_pipeline_latency AS
SELECT date_trunc('hour', received_at AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' AS hour, count(*) AS events,
  quantile_cont(date_diff('millisecond', "timestamp", received_at), 0.5) AS p50_ms,
  quantile_cont(date_diff('millisecond', "timestamp", received_at), 0.99) AS p99_ms
FROM {schema}.customerio_events
GROUP BY ALL;
