-- Fills the columns that the first release did not have, in the rows of that release.
-- bounce_class stays NULL: its rules are not SQL. Erased rows, and rows with a value in
-- any of the columns, stay unchanged, so the script can be run again. Each day is a
-- statement of its own: after an interruption, the next run continues with the days
-- that are left. Rows of the last hour wait for the next run, because they may still be
-- in a write buffer.
DECLARE day_start, day_end TIMESTAMP;

FOR day IN (
  SELECT DISTINCT TIMESTAMP_TRUNC(`timestamp`, DAY) AS start
  FROM {table}
  WHERE {old} AND COALESCE(campaign_id, broadcast_id, newsletter_id, transactional_message_id) IS NOT NULL
     OR {old} AND email_address IS NOT NULL
  ORDER BY start
) DO
  SET day_start = day.start;
  SET day_end = TIMESTAMP_ADD(day_start, INTERVAL 1 DAY);
  IF day_start IS NULL THEN
    UPDATE {table} SET {set}
    WHERE `timestamp` IS NULL AND {old};
  ELSE
    UPDATE {table} SET {set}
    WHERE `timestamp` >= day_start AND `timestamp` < day_end AND {old};
  END IF;
END FOR;
