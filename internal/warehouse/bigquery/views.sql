-- The views over the events. Every warehouse has the same views with the same
-- columns. is_machine separates opens and clicks of machines from those of people.
-- NULL means that the event does not say, and counts as a person. All views count
-- only clicks of people: clicks of machines, such as link scanners, are in
-- customerio_events only. Opens include machines unless the column's name says human.
--
-- Campaign ids of different workspaces may be equal.

CREATE OR REPLACE VIEW `{dataset}.customerio_deliveries` AS
SELECT
  workspace, delivery_id, ANY_VALUE(object_type) AS object_type, ANY_VALUE(customer_id) AS customer_id, ANY_VALUE(recipient) AS recipient,
  ANY_VALUE(campaign_id) AS campaign_id, ANY_VALUE(broadcast_id) AS broadcast_id, ANY_VALUE(newsletter_id) AS newsletter_id,
  ANY_VALUE(transactional_message_id) AS transactional_message_id, ANY_VALUE(action_id) AS action_id,
  MIN(IF(metric = 'sent', `timestamp`, NULL)) AS sent_at,
  MIN(IF(metric = 'delivered', `timestamp`, NULL)) AS delivered_at,
  MIN(IF(metric = 'opened', `timestamp`, NULL)) AS opened_at,
  MIN(IF(metric = 'opened' AND NOT COALESCE(is_machine, FALSE), `timestamp`, NULL)) AS human_opened_at,
  MIN(IF(metric = 'clicked' AND NOT COALESCE(is_machine, FALSE), `timestamp`, NULL)) AS clicked_at,
  MIN(IF(metric = 'converted', `timestamp`, NULL)) AS converted_at,
  MIN(IF(metric = 'bounced', `timestamp`, NULL)) AS bounced_at,
  MIN(IF(metric IN ('dropped', 'failed', 'undeliverable', 'suppressed'), `timestamp`, NULL)) AS failed_at,
  MIN(IF(metric = 'unsubscribed', `timestamp`, NULL)) AS unsubscribed_at,
  MIN(IF(metric = 'spammed', `timestamp`, NULL)) AS spammed_at,
  COUNTIF(metric = 'opened') AS opens, COUNTIF(metric = 'opened' AND NOT COALESCE(is_machine, FALSE)) AS human_opens,
  COUNTIF(metric = 'clicked' AND NOT COALESCE(is_machine, FALSE)) AS clicks,
  MIN(`timestamp`) AS first_event_at, MAX(`timestamp`) AS last_event_at
FROM `{dataset}.customerio_events`
WHERE delivery_id IS NOT NULL
GROUP BY workspace, delivery_id;

CREATE OR REPLACE VIEW `{dataset}.customerio_campaign_funnel` AS
SELECT
  workspace, object_type, campaign_id,
  COUNT(sent_at) AS sent, COUNT(delivered_at) AS delivered, COUNT(bounced_at) AS bounced, COUNT(failed_at) AS failed,
  COUNT(opened_at) AS unique_opens, COUNT(human_opened_at) AS unique_human_opens, COUNT(clicked_at) AS unique_clicks,
  COUNT(converted_at) AS conversions, COUNT(unsubscribed_at) AS unsubscribes, COUNT(spammed_at) AS spam_complaints,
  SAFE_DIVIDE(COUNT(delivered_at), COUNT(sent_at)) AS delivery_rate,
  SAFE_DIVIDE(COUNT(bounced_at), COUNT(sent_at)) AS bounce_rate,
  SAFE_DIVIDE(COUNT(opened_at), COUNT(delivered_at)) AS open_rate,
  SAFE_DIVIDE(COUNT(human_opened_at), COUNT(delivered_at)) AS human_open_rate,
  SAFE_DIVIDE(COUNT(clicked_at), COUNT(delivered_at)) AS click_rate,
  SAFE_DIVIDE(COUNT(clicked_at), COUNT(human_opened_at)) AS click_to_open_rate
FROM `{dataset}.customerio_deliveries`
GROUP BY workspace, object_type, campaign_id;

CREATE OR REPLACE VIEW `{dataset}.customerio_campaign_daily` AS
SELECT
  workspace, DATE(`timestamp`) AS day, object_type, campaign_id,
  COUNT(DISTINCT IF(metric = 'sent', delivery_id, NULL)) AS sent,
  COUNT(DISTINCT IF(metric = 'delivered', delivery_id, NULL)) AS delivered,
  COUNT(DISTINCT IF(metric = 'opened' AND NOT COALESCE(is_machine, FALSE), delivery_id, NULL)) AS human_opens,
  COUNT(DISTINCT IF(metric = 'clicked' AND NOT COALESCE(is_machine, FALSE), delivery_id, NULL)) AS clicks,
  COUNT(DISTINCT IF(metric = 'bounced', delivery_id, NULL)) AS bounces,
  COUNT(DISTINCT IF(metric = 'unsubscribed', delivery_id, NULL)) AS unsubscribes,
  COUNT(DISTINCT IF(metric = 'converted', delivery_id, NULL)) AS conversions,
  COUNT(*) AS events
FROM `{dataset}.customerio_events`
GROUP BY workspace, day, object_type, campaign_id;

CREATE OR REPLACE VIEW `{dataset}.customerio_time_to_open` AS
SELECT
  workspace, campaign_id, COUNT(*) AS opened_deliveries,
  APPROX_QUANTILES(TIMESTAMP_DIFF(human_opened_at, COALESCE(delivered_at, sent_at), SECOND), 100)[OFFSET(50)] AS p50_seconds,
  APPROX_QUANTILES(TIMESTAMP_DIFF(human_opened_at, COALESCE(delivered_at, sent_at), SECOND), 100)[OFFSET(90)] AS p90_seconds
FROM `{dataset}.customerio_deliveries`
WHERE human_opened_at IS NOT NULL AND COALESCE(delivered_at, sent_at) IS NOT NULL
GROUP BY workspace, campaign_id;

CREATE OR REPLACE VIEW `{dataset}.customerio_bounces` AS
SELECT workspace, DATE(`timestamp`) AS day, LOWER(NULLIF(SPLIT(recipient, '@')[SAFE_OFFSET(1)], '')) AS domain, failure_message, COUNT(*) AS bounces
FROM `{dataset}.customerio_events`
WHERE metric = 'bounced'
GROUP BY workspace, day, domain, failure_message;

CREATE OR REPLACE VIEW `{dataset}.customerio_link_clicks` AS
SELECT workspace, campaign_id, link_id, href, COUNT(*) AS clicks, COUNT(DISTINCT delivery_id) AS unique_clicks, COUNT(DISTINCT customer_id) AS people
FROM `{dataset}.customerio_events`
WHERE metric = 'clicked' AND NOT COALESCE(is_machine, FALSE)
GROUP BY workspace, campaign_id, link_id, href;

CREATE OR REPLACE VIEW `{dataset}.customerio_pipeline_latency` AS
SELECT TIMESTAMP_TRUNC(received_at, HOUR) AS hour, COUNT(*) AS events,
  APPROX_QUANTILES(TIMESTAMP_DIFF(received_at, `timestamp`, MILLISECOND), 100)[OFFSET(50)] AS p50_ms,
  APPROX_QUANTILES(TIMESTAMP_DIFF(received_at, `timestamp`, MILLISECOND), 100)[OFFSET(99)] AS p99_ms
FROM `{dataset}.customerio_events`
GROUP BY hour;
