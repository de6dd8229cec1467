-- The views: package warehouse explains every view and column. DuckDB has the same views
-- with the same numbers, except that BigQuery's percentiles are approximate.
--
-- {rows} may have several rows of an event. Repeats change no minimum and no maximum,
-- and counts are of different events or deliveries: so no view needs a window over all
-- rows. {near}, {on} and {chosen} limit the days that a query reads: to rows near some
-- days, to events of the days, and to deliveries of the days. {from V} is the view V, or
-- its table function of these days. {counted} leaves out the backfilled events whose
-- webhooks have arrived late: a window finds them, because a join would read the table a
-- second time, which costs money.

-- last_outcome and last_bounce are a time in seconds, times 10, plus a rank, so that the
-- maximum is the last outcome, and in one second the one with the highest rank.
-- last_failure has the time in front of the message.
CREATE OR REPLACE VIEW {dataset}.customerio_deliveries AS
SELECT
  workspace, delivery_id, object_type, source, source_id, action_id, content_id,
  IF(erased_at IS NULL, customer_id, NULL) AS customer_id, recipient_domain, mailbox_provider,
  sent_at, delivered_at, human_opened_at, human_clicked_at, converted_at, bounced_at,
  ['unknown', 'soft', 'hard'][SAFE_ORDINAL(MOD(last_bounce, 10) - 4)] AS bounce_class,
  unsubscribed_at, complained_at,
  COALESCE(['delivered', 'dropped', 'failed', 'undeliverable', 'unknown', 'soft', 'hard'][SAFE_ORDINAL(MOD(last_outcome, 10))], 'pending') AS outcome,
  human_opens, human_clicks, {fast_click} AS fast_click,
  first_event_at, last_event_at, deferred_at,
  IF(erased_at IS NULL, SUBSTR(last_failure, 13), NULL) AS failure_message,
  DATE(COALESCE(sent_at, first_event_at), timezone) AS day
FROM (
  SELECT
    workspace, delivery_id, MAX(object_type) AS object_type, MAX(source) AS source, MAX(source_id) AS source_id,
    MAX(action_id) AS action_id, MAX(content_id) AS content_id, MAX(customer_id) AS customer_id,
    MAX(IF(metric NOT IN ('drafted', 'attempted'), recipient_domain, NULL)) AS recipient_domain,
    MAX(IF(metric NOT IN ('drafted', 'attempted'), mailbox_provider, NULL)) AS mailbox_provider, MAX(erased_at) AS erased_at,
    MIN(IF(metric = 'sent', `timestamp`, NULL)) AS sent_at,
    MIN(IF(metric = 'delivered', `timestamp`, NULL)) AS delivered_at,
    MIN(IF({human_open} OR {human_click}, `timestamp`, NULL)) AS human_opened_at,
    MIN(IF({human_click}, `timestamp`, NULL)) AS human_clicked_at,
    MIN(IF(metric = 'converted', `timestamp`, NULL)) AS converted_at,
    MIN(IF(metric = 'bounced', `timestamp`, NULL)) AS bounced_at,
    MAX({second} * 10 + {bounce_rank}) AS last_bounce,
    MIN(IF(metric = 'unsubscribed', `timestamp`, NULL)) AS unsubscribed_at,
    MIN(IF(metric = 'spammed', `timestamp`, NULL)) AS complained_at,
    MAX({second} * 10 + {outcome_rank}) AS last_outcome,
    COUNT(DISTINCT IF({human_open}, event_id, NULL)) AS human_opens,
    COUNT(DISTINCT IF({human_click}, event_id, NULL)) AS human_clicks,
    MIN(`timestamp`) AS first_event_at, MAX(`timestamp`) AS last_event_at,
    MIN(IF(metric = 'deferred', `timestamp`, NULL)) AS deferred_at,
    MAX(IF(metric IN ('bounced', 'dropped', 'failed', 'undeliverable'), CONCAT(LPAD(CAST({second} AS STRING), 12, '0'), failure_message), NULL)) AS last_failure
  FROM (SELECT *, LOGICAL_OR({webhook}) OVER (PARTITION BY workspace, delivery_id, metric) AS told FROM {rows} WHERE delivery_id IS NOT NULL AND `timestamp` IS NOT NULL{near})
  WHERE {counted}
  GROUP BY workspace, delivery_id
) CROSS JOIN {dataset}.customerio_settings{chosen};

CREATE OR REPLACE VIEW {dataset}.customerio_daily AS
SELECT workspace, day, object_type, source, source_id, action_id, content_id, {name}, c.* EXCEPT (workspace, day, object_type, source, source_id, action_id, content_id)
FROM (
  SELECT
    workspace, day, object_type, source, source_id, action_id, content_id,
    COUNT(*) AS deliveries, COUNT(sent_at) AS sent, COUNTIF(outcome = 'delivered') AS delivered,
    COUNTIF(outcome = 'hard') AS hard_bounces, COUNTIF(outcome = 'soft') AS soft_bounces,
    COUNTIF(outcome = 'unknown') AS unknown_bounces,
    COUNTIF(outcome IN ('dropped', 'failed', 'undeliverable')) AS failed,
    COUNT(human_opened_at) AS human_opens, COUNT(human_clicked_at) AS human_clicks, COUNT(converted_at) AS conversions,
    COUNT(unsubscribed_at) AS unsubscribes, COUNT(complained_at) AS complaints,
    COUNTIF(complained_at IS NOT NULL AND object_type = 'email' AND mailbox_provider IS DISTINCT FROM 'gmail') AS complaints_outside_gmail,
    COUNTIF(outcome = 'delivered' AND object_type = 'email' AND mailbox_provider IS DISTINCT FROM 'gmail') AS delivered_outside_gmail
  FROM {from customerio_deliveries}
  GROUP BY workspace, day, object_type, source, source_id, action_id, content_id
) c{names};

CREATE OR REPLACE VIEW {dataset}.customerio_messages AS
SELECT
  *,
  CASE WHEN {arrives} THEN SAFE_DIVIDE(delivered, sent) END AS delivery_rate, SAFE_DIVIDE(human_opens, delivered) AS open_rate,
  SAFE_DIVIDE(human_clicks, delivered) AS click_rate, SAFE_DIVIDE(human_clicks, human_opens) AS click_to_open_rate,
  CASE WHEN {arrives} THEN SAFE_DIVIDE(hard_bounces, sent) END AS bounce_rate, SAFE_DIVIDE(complaints_outside_gmail, delivered_outside_gmail) AS complaint_rate,
  SAFE_DIVIDE(unsubscribes, delivered) AS unsubscribe_rate
FROM (
  SELECT
    workspace, object_type, source, source_id, action_id, content_id, name,
    SUM(deliveries) AS deliveries, SUM(sent) AS sent, SUM(delivered) AS delivered, SUM(hard_bounces) AS hard_bounces,
    SUM(soft_bounces) AS soft_bounces, SUM(unknown_bounces) AS unknown_bounces, SUM(failed) AS failed,
    SUM(human_opens) AS human_opens, SUM(human_clicks) AS human_clicks, SUM(conversions) AS conversions,
    SUM(unsubscribes) AS unsubscribes, SUM(complaints) AS complaints,
    SUM(complaints_outside_gmail) AS complaints_outside_gmail, SUM(delivered_outside_gmail) AS delivered_outside_gmail
  FROM {from customerio_daily}
  GROUP BY workspace, object_type, source, source_id, action_id, content_id, name
);

-- Each event counts on its own day. done is a bit for each thing that happened to the
-- delivery on the day. An event without a delivery counts in events only. 2048 is a bounce
-- without a class: a row of an older release, which may repeat a row with the class.
CREATE OR REPLACE VIEW {dataset}.customerio_activity_daily AS
SELECT workspace, day, object_type, source, source_id, action_id, content_id, {name}, c.* EXCEPT (workspace, day, object_type, source, source_id, action_id, content_id)
FROM (
  SELECT
    workspace, day, object_type, source, source_id, action_id, content_id,
    COUNTIF(done & 1 > 0) AS sent, COUNTIF(done & 2 > 0) AS delivered,
    COUNTIF(done & 4 > 0) AS hard_bounces, COUNTIF(done & 8 > 0) AS soft_bounces,
    COUNTIF(done & 16 > 0 OR done & 2060 = 2048) AS unknown_bounces, COUNTIF(done & 32 > 0) AS failed,
    COUNTIF(done & 192 > 0) AS human_opens, COUNTIF(done & 128 > 0) AS human_clicks,
    COUNTIF(done & 256 > 0) AS conversions, COUNTIF(done & 512 > 0) AS unsubscribes,
    COUNTIF(done & 1024 > 0) AS complaints, SUM(events) AS events
  FROM (
    SELECT
      workspace, day, MAX(object_type) AS object_type, MAX(source) AS source, MAX(source_id) AS source_id,
      MAX(action_id) AS action_id, MAX(content_id) AS content_id, BIT_OR(done) AS done, COUNT(DISTINCT event) AS events
    FROM (
      SELECT
        workspace, {day} AS day, object_type, source, source_id, action_id, content_id,
        COALESCE(delivery_id, CONCAT('event ', event_id)) AS delivery, CONCAT(event_id, ' ', COALESCE(metric, '')) AS event,
        CASE
          WHEN delivery_id IS NULL THEN 0
          WHEN metric = 'sent' THEN 1
          WHEN metric = 'delivered' THEN 2
          WHEN metric = 'bounced' THEN CASE bounce_class WHEN 'hard' THEN 4 WHEN 'soft' THEN 8 WHEN 'unknown' THEN 16 ELSE 2048 END
          WHEN metric IN ('dropped', 'failed', 'undeliverable') THEN 32
          WHEN {human_open} THEN 64
          WHEN {human_click} THEN 128
          WHEN metric = 'converted' THEN 256
          WHEN metric = 'unsubscribed' THEN 512
          WHEN metric = 'spammed' THEN 1024
          ELSE 0
        END AS done
      FROM {told} CROSS JOIN {dataset}.customerio_settings
      WHERE {counted}{days}
    )
    GROUP BY workspace, day, delivery
  )
  GROUP BY workspace, day, object_type, source, source_id, action_id, content_id
) c{names};

CREATE OR REPLACE VIEW {dataset}.customerio_time_to_open AS
SELECT workspace, object_type, source, source_id, action_id, content_id, {name}, opened_deliveries,
  p[SAFE_OFFSET(50)] AS p50_seconds, p[SAFE_OFFSET(90)] AS p90_seconds, p[SAFE_OFFSET(99)] AS p99_seconds
FROM (
  SELECT
    workspace, object_type, source, source_id, action_id, content_id, COUNT(*) AS opened_deliveries,
    APPROX_QUANTILES(GREATEST(TIMESTAMP_DIFF(human_opened_at, COALESCE(delivered_at, sent_at), MICROSECOND) / 1e6, 0), 100) AS p
  FROM {from customerio_deliveries}
  WHERE human_opened_at IS NOT NULL AND COALESCE(delivered_at, sent_at) IS NOT NULL
  GROUP BY workspace, object_type, source, source_id, action_id, content_id
) c{names};

-- A link's URLs may differ between people: then only the part is shown that names the
-- server. A part of a path that is a token is never shown: with 20 letters and digits in
-- sequence, or a UUID.
CREATE OR REPLACE VIEW {dataset}.customerio_links AS
SELECT workspace, object_type, source, source_id, action_id, content_id, {name}, link_id, link_name, url, human_clicks, clicked_deliveries, people
FROM (
  SELECT
    workspace, object_type, source, source_id, action_id, content_id, link_id, link_name,
    IF(MIN(url) = MAX(url), MIN(url), CONCAT(COALESCE(REGEXP_EXTRACT(MIN(url), r'^[^/]*//[^/]*'), ''), '/…')) AS url,
    COUNT(*) AS human_clicks, COUNT(DISTINCT delivery_id) AS clicked_deliveries, COUNT(DISTINCT customer_id) AS people
  FROM (
    SELECT *, IF(link_id IS NULL AND link_name IS NULL, url, NULL) AS own_url
    FROM (
      SELECT
        workspace, MAX(object_type) AS object_type, MAX(source) AS source, MAX(source_id) AS source_id, MAX(action_id) AS action_id,
        MAX(content_id) AS content_id, MAX(delivery_id) AS delivery_id, MAX(customer_id) AS customer_id,
        MAX(link_id) AS link_id, MAX(link_name) AS link_name,
        {url} AS url
      FROM {rows} CROSS JOIN {dataset}.customerio_settings
      WHERE {human_click} AND {webhook}{on}
      GROUP BY workspace, event_id
    )
  )
  GROUP BY workspace, object_type, source, source_id, action_id, content_id, link_id, link_name, own_url
) c{names};

CREATE OR REPLACE VIEW {dataset}.customerio_bounces AS
SELECT workspace, day, object_type, source, source_id, action_id, content_id, {name}, recipient_domain, mailbox_provider, bounce_class, failure_message, bounces
FROM (
  SELECT workspace, day, object_type, source, source_id, action_id, content_id, recipient_domain, mailbox_provider, bounce_class, failure_message, COUNT(*) AS bounces
  FROM (
    SELECT
      workspace, DATE(MIN(`timestamp`), MAX(timezone)) AS day, MAX(object_type) AS object_type, MAX(source) AS source, MAX(source_id) AS source_id,
      MAX(action_id) AS action_id, MAX(content_id) AS content_id, MAX(recipient_domain) AS recipient_domain,
      MAX(mailbox_provider) AS mailbox_provider, COALESCE(MAX(bounce_class), 'unknown') AS bounce_class, MAX(failure_message) AS failure_message
    FROM {told} CROSS JOIN {dataset}.customerio_settings
    WHERE metric = 'bounced' AND {counted}{days}
    GROUP BY workspace, event_id
  )
  GROUP BY workspace, day, object_type, source, source_id, action_id, content_id, recipient_domain, mailbox_provider, bounce_class, failure_message
) c{names};

CREATE OR REPLACE VIEW {dataset}.customerio_preferences AS
SELECT
  workspace, DATE(MIN(`timestamp`), MAX(timezone)) AS day, MIN(`timestamp`) AS changed_at, event_id,
  IF(MAX(erased_at) IS NULL, MAX(customer_id), NULL) AS customer_id, IF(MAX(erased_at) IS NULL, MAX(cio_id), NULL) AS cio_id,
  topic, LOGICAL_OR(LAX_BOOL(preferences.topics[topic])) AS subscribed
FROM {rows} CROSS JOIN {dataset}.customerio_settings CROSS JOIN UNNEST(JSON_KEYS(preferences.topics, 1)) AS topic
WHERE metric = 'cio_subscription_preferences_changed'{on}
GROUP BY workspace, event_id, topic;

CREATE OR REPLACE VIEW {dataset}.customerio_pipeline_latency AS
SELECT hour, events, p[SAFE_OFFSET(50)] AS p50_ms, p[SAFE_OFFSET(90)] AS p90_ms, p[SAFE_OFFSET(99)] AS p99_ms
FROM (
  SELECT TIMESTAMP_TRUNC(received_at, HOUR) AS hour, COUNT(*) AS events, APPROX_QUANTILES(ms, 100) AS p
  FROM (
    SELECT MIN(received_at) AS received_at, CAST(TIMESTAMP_DIFF(MIN(received_at), MIN(`timestamp`), MILLISECOND) AS FLOAT64) AS ms
    FROM {rows} CROSS JOIN {dataset}.customerio_settings
    WHERE {webhook}{on}
    GROUP BY workspace, event_id, metric
  )
  GROUP BY hour
);
