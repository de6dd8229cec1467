-- Views about how mailbox providers treat the sender. warehouse.HealthSQL fills in
-- thresholds and patterns.

CREATE OR REPLACE VIEW {schema}.customerio_mailbox_daily AS
SELECT
  workspace, day, coalesce(mailbox_provider, 'other') AS mailbox_provider, count(*) AS deliveries, count(sent_at) AS sent,
  count(*) FILTER (outcome = 'delivered') AS delivered, count(*) FILTER (outcome = 'hard') AS hard_bounces,
  count(*) FILTER (outcome = 'soft') AS soft_bounces, count(*) FILTER (outcome = 'unknown') AS unknown_bounces,
  count(*) FILTER ({blocked}) AS blocked, count(*) FILTER ({unauthenticated}) AS unauthenticated, count(deferred_at) AS deferred,
  count(complained_at) AS complaints, count(unsubscribed_at) AS unsubscribes, count(human_opened_at) AS human_opens,
  count(human_clicked_at) AS human_clicks,
  quantile_cont(greatest(date_diff('second', sent_at, delivered_at), 0), 0.95) FILTER (outcome = 'delivered' AND sent_at IS NOT NULL) AS p95_delivery_seconds
FROM {from customerio_deliveries}
WHERE object_type = 'email'
GROUP BY ALL;

-- Each delivery counts twice: at its provider, and in the row of the whole message. Gmail
-- reports no complaints, so its deliveries have no part in the rate of complaints.
CREATE OR REPLACE VIEW {schema}.customerio_message_health AS
SELECT
  c.workspace, c.object_type, c.source, c.source_id, c.action_id, c.content_id, {name},
  mailbox_provider, sent, delivered, hard_bounces, blocked, unauthenticated, complaints, complaints_outside_gmail, delivered_outside_gmail,
  hard_bounces / nullif(sent, 0) AS bounce_rate, blocked / nullif(sent, 0) AS blocked_rate,
  complaints_outside_gmail / nullif(delivered_outside_gmail, 0) AS complaint_rate,
  bounce_status, blocked_status, authentication_status, complaint_status, {health_status} AS status
FROM (
  SELECT
    *, {bounce_status} AS bounce_status, {blocked_status} AS blocked_status, {authentication_status} AS authentication_status,
    CASE WHEN mailbox_provider <> 'gmail' THEN {complaint_status} END AS complaint_status
  FROM (
    SELECT
      workspace, object_type, source, source_id, action_id, content_id,
      CASE WHEN whole THEN 'all' ELSE coalesce(mailbox_provider, 'other') END AS mailbox_provider,
      count(sent_at) AS sent, count(*) FILTER (outcome = 'delivered') AS delivered, count(*) FILTER (outcome = 'hard') AS hard_bounces,
      count(*) FILTER ({blocked}) AS blocked, count(*) FILTER ({unauthenticated}) AS unauthenticated, count(complained_at) AS complaints,
      count(*) FILTER (outcome = 'delivered' AND mailbox_provider IS DISTINCT FROM 'gmail') AS delivered_outside_gmail,
      count(complained_at) FILTER (mailbox_provider IS DISTINCT FROM 'gmail') AS complaints_outside_gmail
    FROM {from customerio_deliveries}
    CROSS JOIN (SELECT unnest([false, true]) AS whole)
    WHERE object_type = 'email'
    GROUP BY ALL
  )
) c{names};

-- An opt-out ends with the person's next subscribe. A hard bounce is about the address, and
-- the person may have another one now.
CREATE OR REPLACE VIEW {schema}.customerio_sent_after_optout AS
SELECT
  c.workspace, c.day, c.object_type, c.source, c.source_id, c.action_id, c.content_id, {name},
  delivery_id, customer_id, sent_at, opted_out_at, reason, date_diff('second', opted_out_at, sent_at) / 3600 AS hours_after
FROM (
  SELECT
    s.workspace, s.day, s.object_type, s.source, s.source_id, s.action_id, s.content_id, s.delivery_id, s.sent_at,
    CASE WHEN s.erased_at IS NULL THEN s.customer_id END AS customer_id,
    min(o.opted_out_at) AS opted_out_at, (list(o.reason ORDER BY o.opted_out_at, o.reason))[1] AS reason
  FROM (
    SELECT
      workspace, delivery_id, max(object_type) AS object_type, max(source) AS source, max(source_id) AS source_id,
      max(action_id) AS action_id, max(content_id) AS content_id, max(customer_id) AS customer_id,
      max(erased_at) AS erased_at, max({person}) AS person, max(lower(email_address)) AS address, min("timestamp") AS sent_at, min({day}) AS day
    FROM {rows}
    WHERE metric = 'sent' AND object_type = 'email' AND source IN ('campaign', 'broadcast', 'newsletter') AND delivery_id IS NOT NULL{on}
    GROUP BY workspace, delivery_id
  ) s
  JOIN (
    SELECT o.workspace, o.person, o.address, o.opted_out_at, o.reason, min(b.subscribed_at) AS ended_at
    FROM (
      SELECT
        workspace, {person} AS person, CASE WHEN metric = 'bounced' THEN lower(email_address) END AS address, "timestamp" AS opted_out_at,
        CASE metric WHEN 'spammed' THEN 'complained' WHEN 'bounced' THEN 'hard_bounce' ELSE 'unsubscribed' END AS reason
      FROM {rows}
      WHERE (metric = 'unsubscribed' AND object_type IN ('customer', 'email')
        OR object_type = 'email' AND (metric = 'spammed' OR metric = 'bounced' AND bounce_class = 'hard'))
    ) o
    LEFT JOIN (SELECT workspace, {person} AS person, "timestamp" AS subscribed_at FROM {rows} WHERE metric = 'subscribed') b
      ON b.workspace = o.workspace AND b.person = o.person AND b.subscribed_at > o.opted_out_at
    GROUP BY ALL
  ) o
    ON o.workspace = s.workspace AND o.person = s.person AND coalesce(o.address = s.address, o.reason <> 'hard_bounce')
    AND s.sent_at > o.opted_out_at + INTERVAL 48 HOUR AND coalesce(s.sent_at < o.ended_at, true)
  GROUP BY ALL
) c{names};
