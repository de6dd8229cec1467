SELECT
  workspace, object_type, source, source_id, action_id, content_id, mailbox_provider,
  coalesce(['delivered', 'dropped', 'failed', 'undeliverable', 'unknown', 'soft', 'hard'][last_outcome % 10], 'pending') AS outcome,
  CASE WHEN done & 1 = 0 THEN substr(last_failure, 13) END AS failure_message,
  sent_at, delivered_at, human_opened_at, CASE WHEN done & 2 > 0 THEN true END AS human_clicked_at, CASE WHEN done & 4 > 0 THEN true END AS converted_at,
  CASE WHEN done & 8 > 0 THEN true END AS unsubscribed_at, CASE WHEN done & 16 > 0 THEN true END AS complained_at,
  first_event_at, last_event_at
FROM (
  SELECT
    any_value(workspace) AS workspace, max(object_type) AS object_type, max(source) AS source, max(source_id) AS source_id,
    max(action_id) AS action_id, max(content_id) AS content_id,
    max(CASE WHEN metric NOT IN ('drafted', 'attempted') THEN mailbox_provider END) AS mailbox_provider,
    min(CASE WHEN metric = 'sent' THEN timestamp END) AS sent_at,
    min(CASE WHEN metric = 'delivered' THEN timestamp END) AS delivered_at,
    min(CASE WHEN metric = 'clicked' AND NOT coalesce(is_machine, false)
      OR metric = 'opened' AND NOT coalesce(is_machine, false) AND NOT coalesce(synthetic, false) THEN timestamp END) AS human_opened_at,
    min(timestamp) AS first_event_at, max(timestamp) AS last_event_at,
    max((epoch_us(timestamp) + 62135596800000000) // 1000000 * 10
      + CASE metric WHEN 'delivered' THEN 1 WHEN 'dropped' THEN 2 WHEN 'failed' THEN 3 WHEN 'undeliverable' THEN 4
        WHEN 'bounced' THEN CASE bounce_class WHEN 'hard' THEN 7 WHEN 'soft' THEN 6 ELSE 5 END END) AS last_outcome,
    bit_or(CASE WHEN erased_at IS NULL THEN 0 ELSE 1 END + CASE
      WHEN metric = 'clicked' AND NOT coalesce(is_machine, false) THEN 2
      WHEN metric = 'converted' THEN 4 WHEN metric = 'unsubscribed' THEN 8 WHEN metric = 'spammed' THEN 16 ELSE 0 END) AS done,
    max(CASE WHEN metric IN ('bounced', 'dropped', 'failed', 'undeliverable')
      THEN lpad(CAST((epoch_us(timestamp) + 62135596800000000) // 1000000 AS VARCHAR), 12, '0') || failure_message END) AS last_failure
  FROM {rows}
  WHERE delivery_id IS NOT NULL AND timestamp IS NOT NULL{near}
  GROUP BY hash(workspace, delivery_id)
)
