WITH events AS NOT MATERIALIZED (
  SELECT *, CAST((epoch_us(timestamp) - {base}) // {tick} AS {time}) AS t, {message} AS message, hash(workspace, delivery_id) AS delivery
  FROM {rows}
  WHERE delivery_id IS NOT NULL AND timestamp IS NOT NULL{near}
    AND NOT (shape IS NOT DISTINCT FROM 'backfill' AND (workspace, delivery_id, metric) IN ( -- the webhook has arrived late
      SELECT (w.workspace, w.delivery_id, w.metric)
      FROM {rows} w
      WHERE w.shape IS DISTINCT FROM 'backfill' AND w.metric IS NOT NULL{near}
        AND w.delivery_id IN (SELECT delivery_id FROM {rows} WHERE shape = 'backfill'{near})))
),
failures AS MATERIALIZED ( -- apart, because few deliveries fail, and a text takes a tenth of the memory of all
  SELECT delivery, max(lpad(CAST({second} AS VARCHAR), 12, '0') || failure_message) AS last_failure
  FROM events
  WHERE metric IN ('bounced', 'dropped', 'failed', 'undeliverable') AND failure_message IS NOT NULL
  GROUP BY delivery
),
deliveries AS MATERIALIZED (
  SELECT
    low, high, {day} AS day, newest, coalesce(last_outcome % 8, 0) AS outcome,
    CASE WHEN last_outcome % 8 > 4 AND done & 1 = 0 THEN coalesce(substr(last_failure, 13), '') ELSE '' END AS reason,
    done & ~1 | CASE WHEN sent THEN 32 ELSE 0 END | CASE WHEN opened IS NULL THEN 0 ELSE 64 END AS done,
    CASE WHEN {timed} AND opened IS NOT NULL AND (sent OR delivered IS NOT NULL) THEN greatest((opened - coalesce(delivered, began)) / 1e6, 0) END AS to_open,
    CASE WHEN {timed} AND sent AND delivered IS NOT NULL THEN greatest((delivered - began) / 1e6, 0) END AS to_deliver
  FROM (
    SELECT low, high, done, delivery, CAST(last_outcome AS BIGINT) AS last_outcome, began < {unsent} AS sent,
      CAST(CASE WHEN began < {unsent} THEN began ELSE began - {unsent} END AS BIGINT) * {tick} + {base} AS began,
      CAST(delivered AS BIGINT) * {tick} + {base} AS delivered, CAST(opened AS BIGINT) * {tick} + {base} AS opened,
      make_timestamptz(CAST(newest AS BIGINT) * {tick} + {base}) AS newest
    FROM (
      SELECT
        delivery, min(message) AS low, max(message) AS high,
        min(CASE WHEN metric = 'sent' THEN t ELSE t + {unsent} END) AS began,
        min(CASE WHEN metric = 'delivered' THEN t END) AS delivered,
        min(CASE WHEN metric = 'clicked' AND NOT coalesce(is_machine, false)
          OR metric = 'opened' AND NOT coalesce(is_machine, false) AND NOT coalesce(synthetic, false) THEN t END) AS opened,
        max(t) AS newest,
        max(CAST({second} * 8 + CASE metric WHEN 'delivered' THEN 1 WHEN 'dropped' THEN 2 WHEN 'failed' THEN 3 WHEN 'undeliverable' THEN 4
            WHEN 'bounced' THEN CASE bounce_class WHEN 'hard' THEN 7 WHEN 'soft' THEN 6 ELSE 5 END END AS {time})) AS last_outcome,
        bit_or(CASE WHEN erased_at IS NULL THEN 0 ELSE 1 END
          | CASE WHEN metric = 'clicked' AND NOT coalesce(is_machine, false) THEN 2
            WHEN metric = 'converted' THEN 4 WHEN metric = 'unsubscribed' THEN 8 WHEN metric = 'spammed' THEN 16 ELSE 0 END
          | CASE WHEN metric NOT IN ('drafted', 'attempted') THEN 128 << coalesce(list_position({providers}, mailbox_provider), 0) ELSE 0 END) AS done
      FROM events
      GROUP BY delivery
    ) d
  ) d
  LEFT JOIN failures USING (delivery)
  WHERE true{began within}
),
counts AS MATERIALIZED (
  SELECT low, high, day, outcome, reason, done, count(*) AS deliveries, max(newest) AS newest
  FROM deliveries
  GROUP BY ALL
),
messages AS (
  SELECT {message} AS message, any_value(workspace) AS workspace, any_value(object_type) AS object_type, any_value(source) AS source,
    any_value(source_id) AS source_id, any_value(action_id) AS action_id, any_value(content_id) AS content_id
  FROM {rows}
  WHERE true{near}
  GROUP BY 1
),
keys AS MATERIALIZED (
  SELECT *, dense_rank() OVER (ORDER BY workspace, object_type) AS channel,
    dense_rank() OVER (ORDER BY workspace, object_type, source, source_id, action_id, content_id) AS message
  FROM (
    SELECT low, high, l.workspace,
      coalesce(greatest(l.object_type, h.object_type), '') AS object_type, coalesce(greatest(l.source, h.source), '') AS source,
      coalesce(greatest(l.source_id, h.source_id), '') AS source_id, coalesce(greatest(l.action_id, h.action_id), 0) AS action_id,
      coalesce(greatest(l.content_id, h.content_id), 0) AS content_id
    FROM (SELECT DISTINCT low, high FROM counts) c
    JOIN messages l ON l.message = low
    JOIN messages h ON h.message = high
  ) k
  WHERE true{campaign}
),
times AS (
  SELECT any_value(workspace) AS workspace, any_value(object_type) AS object_type, any_value(source) AS source, any_value(source_id) AS source_id, any_value(action_id) AS action_id,
    any_value(content_id) AS content_id, 1 + GROUPING(message) AS depth, count(to_open) AS opened, count(to_deliver) AS delivered,
    quantile_cont(to_open, [0.5, 0.9, 0.99]) AS opens, quantile_cont(to_deliver, [0.5, 0.9, 0.99]) AS arrivals
  FROM deliveries
  JOIN keys USING (low, high)
  WHERE to_open IS NOT NULL OR to_deliver IS NOT NULL
  GROUP BY GROUPING SETS ((channel, message), (channel))
)
SELECT
  workspace, object_type, source, source_id, action_id, content_id, CAST(day AS VARCHAR) AS day,
  CASE WHEN done < 256 THEN '' ELSE {providers}[CAST(floor(log2(done)) AS BIGINT) - 7] END AS mailbox_provider,
  ['pending', 'delivered', 'dropped', 'failed', 'undeliverable', 'unknown', 'soft', 'hard'][outcome + 1] AS outcome, reason,
  CAST(sum(deliveries) AS BIGINT) AS deliveries, CAST(sum(deliveries * (done >> 5 & 1)) AS BIGINT) AS sent,
  CAST(sum(deliveries * (done >> 6 & 1)) AS BIGINT) AS human_opens, CAST(sum(deliveries * (done >> 1 & 1)) AS BIGINT) AS human_clicks,
  CAST(sum(deliveries * (done >> 2 & 1)) AS BIGINT) AS conversions, CAST(sum(deliveries * (done >> 3 & 1)) AS BIGINT) AS unsubscribes,
  CAST(sum(deliveries * (done >> 4 & 1)) AS BIGINT) AS complaints, max(newest) AS newest,
  0 AS depth, 0 AS opened, 0 AS delivered, 0 AS open_p50, 0 AS deliver_p50, 0 AS open_p90, 0 AS deliver_p90, 0 AS open_p99, 0 AS deliver_p99
FROM counts
JOIN keys USING (low, high)
GROUP BY ALL
UNION ALL
SELECT
  workspace, object_type, source, source_id, action_id, content_id, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
  depth, opened, delivered, opens[1], arrivals[1], opens[2], arrivals[2], opens[3], arrivals[3]
FROM times
