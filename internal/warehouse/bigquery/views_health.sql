-- Views about how mailbox providers treat the sender. warehouse.HealthSQL fills in
-- thresholds and patterns.

CREATE OR REPLACE VIEW {dataset}.customerio_mailbox_daily AS
SELECT * EXCEPT (p), p[SAFE_OFFSET(95)] AS p95_delivery_seconds
FROM (
  SELECT
    workspace, day, provider AS mailbox_provider, COUNT(*) AS deliveries, COUNT(sent_at) AS sent,
    COUNTIF(outcome = 'delivered') AS delivered, COUNTIF(outcome = 'hard') AS hard_bounces,
    COUNTIF(outcome = 'soft') AS soft_bounces, COUNTIF(outcome = 'unknown') AS unknown_bounces,
    COUNTIF({blocked}) AS blocked, COUNTIF({unauthenticated}) AS unauthenticated, COUNT(deferred_at) AS deferred,
    COUNT(complained_at) AS complaints, COUNT(unsubscribed_at) AS unsubscribes, COUNT(human_opened_at) AS human_opens,
    COUNT(human_clicked_at) AS human_clicks,
    APPROX_QUANTILES(IF(outcome = 'delivered', GREATEST(TIMESTAMP_DIFF(delivered_at, sent_at, MICROSECOND) / 1e6, 0), NULL), 100) AS p
  FROM (SELECT *, COALESCE(mailbox_provider, 'other') AS provider FROM {from customerio_deliveries})
  WHERE object_type = 'email'
  GROUP BY workspace, day, provider
);

-- Each delivery counts twice: at its provider, and in the row of the whole message. Gmail
-- reports no complaints, so its deliveries have no part in the rate of complaints.
CREATE OR REPLACE VIEW {dataset}.customerio_message_health AS
SELECT
  c.workspace, c.object_type, c.source, c.source_id, c.action_id, c.content_id, {name},
  mailbox_provider, sent, delivered, hard_bounces, blocked, unauthenticated, complaints, complaints_outside_gmail, delivered_outside_gmail,
  SAFE_DIVIDE(hard_bounces, sent) AS bounce_rate, SAFE_DIVIDE(blocked, sent) AS blocked_rate,
  SAFE_DIVIDE(complaints_outside_gmail, delivered_outside_gmail) AS complaint_rate,
  bounce_status, blocked_status, authentication_status, complaint_status, {health_status} AS status
FROM (
  SELECT
    *, {bounce_status} AS bounce_status, {blocked_status} AS blocked_status, {authentication_status} AS authentication_status,
    CASE WHEN mailbox_provider <> 'gmail' THEN {complaint_status} END AS complaint_status
  FROM (
    SELECT
      workspace, object_type, source, source_id, action_id, content_id, provider AS mailbox_provider,
      COUNT(sent_at) AS sent, COUNTIF(outcome = 'delivered') AS delivered, COUNTIF(outcome = 'hard') AS hard_bounces,
      COUNTIF({blocked}) AS blocked, COUNTIF({unauthenticated}) AS unauthenticated, COUNT(complained_at) AS complaints,
      COUNTIF(outcome = 'delivered' AND mailbox_provider IS DISTINCT FROM 'gmail') AS delivered_outside_gmail,
      COUNTIF(complained_at IS NOT NULL AND mailbox_provider IS DISTINCT FROM 'gmail') AS complaints_outside_gmail
    FROM (
      SELECT *, IF(whole, 'all', COALESCE(mailbox_provider, 'other')) AS provider
      FROM {from customerio_deliveries} CROSS JOIN UNNEST([FALSE, TRUE]) AS whole
    )
    WHERE object_type = 'email'
    GROUP BY workspace, object_type, source, source_id, action_id, content_id, provider
  )
) c{names};

-- An opt-out ends with the person's next subscribe. A hard bounce is about the address, and
-- the person may have another one now. {on} limits the days of the e-mails and {before}
-- those of the opt-outs.
CREATE OR REPLACE VIEW {dataset}.customerio_sent_after_optout AS
SELECT
  c.workspace, c.day, c.object_type, c.source, c.source_id, c.action_id, c.content_id, {name},
  delivery_id, customer_id, sent_at, opted_out_at, reason, TIMESTAMP_DIFF(sent_at, opted_out_at, SECOND) / 3600 AS hours_after
FROM (
  SELECT
    s.workspace, s.day, s.object_type, s.source, s.source_id, s.action_id, s.content_id, s.delivery_id, s.sent_at, s.customer_id,
    MIN(o.opted_out_at) AS opted_out_at, ARRAY_AGG(o.reason ORDER BY o.opted_out_at, o.reason LIMIT 1)[OFFSET(0)] AS reason
  FROM (
    SELECT
      workspace, delivery_id, MAX(object_type) AS object_type, MAX(source) AS source, MAX(source_id) AS source_id,
      MAX(action_id) AS action_id, MAX(content_id) AS content_id, IF(MAX(erased_at) IS NULL, MAX(customer_id), NULL) AS customer_id,
      MAX({person}) AS person, MAX(LOWER(email_address)) AS address, MIN(`timestamp`) AS sent_at, MIN({day}) AS day
    FROM {rows} CROSS JOIN {dataset}.customerio_settings
    WHERE metric = 'sent' AND object_type = 'email' AND source IN ('campaign', 'broadcast', 'newsletter') AND delivery_id IS NOT NULL{on}
    GROUP BY workspace, delivery_id
  ) s
  JOIN (
    SELECT o.workspace, o.person, o.address, o.opted_out_at, o.reason, MIN(b.subscribed_at) AS ended_at
    FROM (
      SELECT
        workspace, {person} AS person, IF(metric = 'bounced', LOWER(email_address), NULL) AS address, `timestamp` AS opted_out_at,
        CASE metric WHEN 'spammed' THEN 'complained' WHEN 'bounced' THEN 'hard_bounce' ELSE 'unsubscribed' END AS reason
      FROM {rows}
      WHERE (metric = 'unsubscribed' AND object_type IN ('customer', 'email')
        OR object_type = 'email' AND (metric = 'spammed' OR metric = 'bounced' AND bounce_class = 'hard')){before}
    ) o
    LEFT JOIN (SELECT workspace, {person} AS person, `timestamp` AS subscribed_at FROM {rows} WHERE metric = 'subscribed'{before}) b
      ON b.workspace = o.workspace AND b.person = o.person AND b.subscribed_at > o.opted_out_at
    GROUP BY o.workspace, o.person, o.address, o.opted_out_at, o.reason
  ) o
    ON o.workspace = s.workspace AND o.person = s.person AND COALESCE(o.address = s.address, o.reason <> 'hard_bounce')
    AND s.sent_at > TIMESTAMP_ADD(o.opted_out_at, INTERVAL 48 HOUR) AND COALESCE(s.sent_at < o.ended_at, TRUE)
  GROUP BY s.workspace, s.day, s.object_type, s.source, s.source_id, s.action_id, s.content_id, s.delivery_id, s.sent_at, s.customer_id
) c{names};
