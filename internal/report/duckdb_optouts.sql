SELECT workspace, count(DISTINCT delivery_id) AS count
FROM (
  SELECT s.workspace, s.delivery_id
  FROM (
    SELECT workspace, delivery_id, timestamp, coalesce(customer_id, lower(email_address)) AS person, lower(email_address) AS address
    FROM {rows}
    WHERE metric = 'sent' AND object_type = 'email' AND source IN ('campaign', 'broadcast', 'newsletter') AND delivery_id IS NOT NULL{campaign}
  ) s
  JOIN (
    SELECT o.workspace, o.person, o.address, o.opted_out_at, o.bounced, min(b.subscribed_at) AS ended_at
    FROM (
      SELECT workspace, coalesce(customer_id, lower(email_address)) AS person, CASE WHEN metric = 'bounced' THEN lower(email_address) END AS address,
        timestamp AS opted_out_at, metric = 'bounced' AS bounced
      FROM {rows}
      WHERE (metric = 'unsubscribed' AND object_type IN ('customer', 'email')
        OR object_type = 'email' AND (metric = 'spammed' OR metric = 'bounced' AND bounce_class = 'hard'))
    ) o
    LEFT JOIN (SELECT workspace, coalesce(customer_id, lower(email_address)) AS person, timestamp AS subscribed_at FROM {rows} WHERE metric = 'subscribed') b
      ON b.workspace = o.workspace AND b.person = o.person AND b.subscribed_at > o.opted_out_at
    GROUP BY ALL
  ) o ON o.workspace = s.workspace AND o.person = s.person
  GROUP BY s.workspace, s.delivery_id, o.opted_out_at, o.ended_at, o.address, o.bounced
  HAVING coalesce(o.address = max(s.address), NOT o.bounced)
    AND min(s.timestamp) > o.opted_out_at + INTERVAL 48 HOUR AND coalesce(min(s.timestamp) < o.ended_at, true){first within}
) d
GROUP BY workspace
