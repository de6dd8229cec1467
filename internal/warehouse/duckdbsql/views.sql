-- The views: package warehouse explains every view and column. BigQuery has the same
-- views with the same numbers.
--
-- {rows} may have several rows of an event. Repeats change no minimum and no maximum,
-- and counts are of different events or deliveries. {near}, {on} and {chosen} restrict
-- a query to some days: to rows near the days, to events of the days, and to deliveries
-- of the days. {from V} is the view V, or its table function of these days.
-- {counted} leaves out the backfilled events whose webhooks have arrived late.

-- last_outcome and last_bounce are a time in seconds, times 10, plus a rank, so that the
-- maximum is the last outcome, and in one second the one with the highest rank.
-- last_failure has the time in front of the message. timestamp is the time whose day is
-- the day of the delivery.
CREATE OR REPLACE VIEW {schema}.customerio_deliveries AS
SELECT
  workspace, delivery_id, object_type, source, source_id, action_id, content_id,
  CASE WHEN erased_at IS NULL THEN customer_id END AS customer_id, recipient_domain, mailbox_provider,
  sent_at, delivered_at, human_opened_at, human_clicked_at, converted_at, bounced_at,
  ['unknown', 'soft', 'hard'][last_bounce % 10 - 4] AS bounce_class,
  unsubscribed_at, complained_at,
  coalesce(['delivered', 'dropped', 'failed', 'undeliverable', 'unknown', 'soft', 'hard'][last_outcome % 10], 'pending') AS outcome,
  human_opens, human_clicks, {fast_click} AS fast_click,
  first_event_at, last_event_at, deferred_at,
  CASE WHEN erased_at IS NULL THEN substr(last_failure, 13) END AS failure_message,
  {day} AS day
FROM (
  SELECT
    workspace, delivery_id, max(object_type) AS object_type, max(source) AS source, max(source_id) AS source_id,
    max(action_id) AS action_id, max(content_id) AS content_id, max(customer_id) AS customer_id,
    max(recipient_domain) FILTER (metric NOT IN ('drafted', 'attempted')) AS recipient_domain, max(mailbox_provider) FILTER (metric NOT IN ('drafted', 'attempted')) AS mailbox_provider, max(erased_at) AS erased_at,
    min("timestamp") FILTER (metric = 'sent') AS sent_at,
    min("timestamp") FILTER (metric = 'delivered') AS delivered_at,
    min("timestamp") FILTER ({human_open} OR {human_click}) AS human_opened_at,
    min("timestamp") FILTER ({human_click}) AS human_clicked_at,
    min("timestamp") FILTER (metric = 'converted') AS converted_at,
    min("timestamp") FILTER (metric = 'bounced') AS bounced_at,
    max({second} * 10 + {bounce_rank}) AS last_bounce,
    min("timestamp") FILTER (metric = 'unsubscribed') AS unsubscribed_at,
    min("timestamp") FILTER (metric = 'spammed') AS complained_at,
    max({second} * 10 + {outcome_rank}) AS last_outcome,
    count({distinct}event_id) FILTER ({human_open}) AS human_opens,
    count({distinct}event_id) FILTER ({human_click}) AS human_clicks,
    coalesce(min("timestamp") FILTER (metric = 'sent'), min("timestamp")) AS "timestamp", min("timestamp") AS first_event_at, max("timestamp") AS last_event_at,
    min("timestamp") FILTER (metric = 'deferred') AS deferred_at,
    max(lpad(CAST({second} AS VARCHAR), 12, '0') || failure_message) FILTER (metric IN ('bounced', 'dropped', 'failed', 'undeliverable')) AS last_failure
  FROM {rows}
  WHERE delivery_id IS NOT NULL AND "timestamp" IS NOT NULL{near}{counted}
  GROUP BY workspace, delivery_id
){chosen};

CREATE OR REPLACE VIEW {schema}.customerio_daily AS
SELECT workspace, day, object_type, source, source_id, action_id, content_id, {name}, c.* EXCLUDE (workspace, day, object_type, source, source_id, action_id, content_id)
FROM (
  SELECT
    workspace, day, object_type, source, source_id, action_id, content_id,
    count(*) AS deliveries, count(sent_at) AS sent, count(*) FILTER (outcome = 'delivered') AS delivered,
    count(*) FILTER (outcome = 'hard') AS hard_bounces, count(*) FILTER (outcome = 'soft') AS soft_bounces,
    count(*) FILTER (outcome = 'unknown') AS unknown_bounces,
    count(*) FILTER (outcome IN ('dropped', 'failed', 'undeliverable')) AS failed,
    count(human_opened_at) AS human_opens, count(human_clicked_at) AS human_clicks, count(converted_at) AS conversions,
    count(unsubscribed_at) AS unsubscribes, count(complained_at) AS complaints,
    count(complained_at) FILTER (object_type = 'email' AND mailbox_provider IS DISTINCT FROM 'gmail') AS complaints_outside_gmail,
    count(*) FILTER (outcome = 'delivered' AND object_type = 'email' AND mailbox_provider IS DISTINCT FROM 'gmail') AS delivered_outside_gmail
  FROM {from customerio_deliveries}
  GROUP BY ALL
) c{names};

CREATE OR REPLACE VIEW {schema}.customerio_messages AS
SELECT
  *,
  CASE WHEN {arrives} THEN delivered / nullif(sent, 0) END AS delivery_rate, human_opens / nullif(delivered, 0) AS open_rate,
  human_clicks / nullif(delivered, 0) AS click_rate, human_clicks / nullif(human_opens, 0) AS click_to_open_rate,
  CASE WHEN {arrives} THEN hard_bounces / nullif(sent, 0) END AS bounce_rate, complaints_outside_gmail / nullif(delivered_outside_gmail, 0) AS complaint_rate,
  unsubscribes / nullif(delivered, 0) AS unsubscribe_rate
FROM (
  SELECT workspace, object_type, source, source_id, action_id, content_id, name, CAST(sum(COLUMNS(d.* EXCLUDE (workspace, day, object_type, source, source_id, action_id, content_id, name))) AS BIGINT)
  FROM {from customerio_daily} d
  GROUP BY ALL
);

-- Each event counts on its own day. done is a bit for each thing that happened to the
-- delivery on the day. An event without a delivery counts in events only. 2048 is a bounce
-- without a class: a row of an older release, which may repeat a row with the class.
CREATE OR REPLACE VIEW {schema}.customerio_activity_daily AS
SELECT workspace, day, object_type, source, source_id, action_id, content_id, {name}, c.* EXCLUDE (workspace, day, object_type, source, source_id, action_id, content_id)
FROM (
  SELECT
    workspace, day, object_type, source, source_id, action_id, content_id,
    count(*) FILTER (done & 1 > 0) AS sent, count(*) FILTER (done & 2 > 0) AS delivered,
    count(*) FILTER (done & 4 > 0) AS hard_bounces, count(*) FILTER (done & 8 > 0) AS soft_bounces,
    count(*) FILTER (done & 16 > 0 OR done & 2060 = 2048) AS unknown_bounces, count(*) FILTER (done & 32 > 0) AS failed,
    count(*) FILTER (done & 192 > 0) AS human_opens, count(*) FILTER (done & 128 > 0) AS human_clicks,
    count(*) FILTER (done & 256 > 0) AS conversions, count(*) FILTER (done & 512 > 0) AS unsubscribes,
    count(*) FILTER (done & 1024 > 0) AS complaints, CAST(sum(events) AS BIGINT) AS events
  FROM (
    SELECT
      workspace, {day} AS day, max(object_type) AS object_type, max(source) AS source, max(source_id) AS source_id,
      max(action_id) AS action_id, max(content_id) AS content_id,
      bit_or(CASE
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
      END) AS done,
      {count} AS events
    FROM {rows}
    WHERE true{on}{counted}
    GROUP BY workspace, delivery_id, CASE WHEN delivery_id IS NULL THEN event_id END, {day}
  )
  GROUP BY ALL
) c{names};

CREATE OR REPLACE VIEW {schema}.customerio_time_to_open AS
SELECT workspace, object_type, source, source_id, action_id, content_id, {name}, opened_deliveries, p[1] AS p50_seconds, p[2] AS p90_seconds, p[3] AS p99_seconds
FROM (
  SELECT
    workspace, object_type, source, source_id, action_id, content_id, count(*) AS opened_deliveries,
    quantile_cont(greatest(epoch(human_opened_at) - epoch(coalesce(delivered_at, sent_at)), 0), [0.5, 0.9, 0.99]) AS p
  FROM {from customerio_deliveries}
  WHERE human_opened_at IS NOT NULL AND coalesce(delivered_at, sent_at) IS NOT NULL
  GROUP BY ALL
) c{names};

-- A link's URLs may differ between people: then only the part is shown that names the
-- server. A part of a path that is a token is never shown: with 20 letters and digits in
-- sequence, or a UUID.
CREATE OR REPLACE VIEW {schema}.customerio_links AS
SELECT workspace, object_type, source, source_id, action_id, content_id, {name}, link_id, link_name, url, human_clicks, clicked_deliveries, people
FROM (
  SELECT
    workspace, object_type, source, source_id, action_id, content_id, link_id, link_name,
    CASE WHEN min(url) = max(url) THEN min(url) ELSE regexp_extract(min(url), '^[^/]*//[^/]*|') || '/…' END AS url,
    count(*) AS human_clicks, count(DISTINCT delivery_id) AS clicked_deliveries, count(DISTINCT customer_id) AS people
  FROM (
    SELECT
      workspace, max(object_type) AS object_type, max(source) AS source, max(source_id) AS source_id, max(action_id) AS action_id,
      max(content_id) AS content_id, max(delivery_id) AS delivery_id, max(customer_id) AS customer_id,
      max(link_id) AS link_id, max(link_name) AS link_name,
      {url} AS url
    FROM {rows}
    WHERE {human_click} AND {webhook}{on}
    GROUP BY workspace, event_id
  )
  GROUP BY workspace, object_type, source, source_id, action_id, content_id, link_id, link_name, CASE WHEN link_id IS NULL AND link_name IS NULL THEN url END
) c{names};

CREATE OR REPLACE VIEW {schema}.customerio_bounces AS
SELECT workspace, day, object_type, source, source_id, action_id, content_id, {name}, recipient_domain, mailbox_provider, bounce_class, failure_message, bounces
FROM (
  SELECT workspace, day, object_type, source, source_id, action_id, content_id, recipient_domain, mailbox_provider, bounce_class, failure_message, count(*) AS bounces
  FROM (
    SELECT
      workspace, {day} AS day, max(object_type) AS object_type, max(source) AS source, max(source_id) AS source_id,
      max(action_id) AS action_id, max(content_id) AS content_id, max(recipient_domain) AS recipient_domain,
      max(mailbox_provider) AS mailbox_provider, coalesce(max(bounce_class), 'unknown') AS bounce_class, max(failure_message) AS failure_message
    FROM {rows}
    WHERE metric = 'bounced'{on}{counted}
    GROUP BY workspace, event_id, {day}
  )
  GROUP BY ALL
) c{names};

CREATE OR REPLACE VIEW {schema}.customerio_preferences AS
SELECT workspace, {day} AS day, "timestamp" AS changed_at, event_id, customer_id, cio_id, key AS topic, TRY_CAST(value AS BOOLEAN) AS subscribed
FROM {schema}.customerio_events, json_each(preferences, '$.topics')
WHERE metric = 'cio_subscription_preferences_changed'{on};

CREATE OR REPLACE VIEW {schema}.customerio_pipeline_latency AS
SELECT hour, events, p[1] AS p50_ms, p[2] AS p90_ms, p[3] AS p99_ms
FROM (
  SELECT
    to_timestamp(epoch_us(received_at) // 3600000000 * 3600) AS hour, count(*) AS events,
    quantile_cont(epoch_ms(received_at) - epoch_ms("timestamp"), [0.5, 0.9, 0.99]) AS p
  FROM {once}
  GROUP BY ALL
);
