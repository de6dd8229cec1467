package duckdbsql

// parts are the SQL that several views share. A part may contain parts below it.
var parts = []struct{ name, sql string }{
	{"{human_open}", "metric = 'opened' AND NOT coalesce(is_machine, false) AND NOT coalesce(synthetic, false)"},
	{"{human_click}", "metric = 'clicked' AND NOT coalesce(is_machine, false)"},

	// A webhook has told of the event. A backfilled event was received when it was made, and
	// its clicks name no link.
	{"{webhook}", "shape IS DISTINCT FROM 'backfill'"},

	{"{outcome_rank}", "CASE metric WHEN 'delivered' THEN 1 WHEN 'dropped' THEN 2 WHEN 'failed' THEN 3 WHEN 'undeliverable' THEN 4 ELSE {bounce_rank} END"},
	{"{bounce_rank}", "CASE WHEN metric = 'bounced' THEN CASE bounce_class WHEN 'hard' THEN 7 WHEN 'soft' THEN 6 ELSE 5 END END"},
	{"{second}", `(epoch_us("timestamp") + 62135596800000000) // 1000000`}, // since the year 1, so never negative

	// DuckDB converts a time to a zone in 0.5 µs, a tenth of the time of a whole view. UTC
	// needs no conversion.
	{"{day}", `CASE WHEN {timezone} = 'UTC' THEN CAST(make_timestamp(epoch_us("timestamp")) AS DATE) ELSE CAST(timezone({timezone}, "timestamp") AS DATE) END`},
	{"{timezone}", "(SELECT coalesce(max(timezone), 'UTC') FROM {schema}.customerio_settings)"},

	// Twice, because a match contains the end of the segment before.
	{"{url}", "regexp_replace(regexp_replace(regexp_replace(max(href), '(?s)[?#].*', ''), {token}, '\\1…', 'g'), {token}, '\\1…', 'g')"},
	{"{token}", "'([^/]/)[0-9A-Za-z_=.~-]*(?:[0-9A-Za-z_=]{20}|[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3})[^/]*'"},

	// The provider refused the sender; see warehouse.Row.Refusal.
	{"{blocked}", "({unauthenticated} OR {refused} AND regexp_matches({reason}, '{blocked_pattern}'))"},
	{"{unauthenticated}", "{refused} AND regexp_matches({reason}, '{unauthenticated_pattern}')"},
	{"{refused}", "outcome IN ('soft', 'unknown')"},
	{"{reason}", "left(failure_message, 4096)"},

	// The person of an event, also in a workspace without ids.
	{"{person}", "coalesce(customer_id, lower(email_address))"},

	// A message has the name of its source, with the name of the action or variant. Names are
	// joined loosely: customerio_names may be empty.
	{"{name}", "coalesce(whole.title || ' / ' || part.title, whole.title, part.title) AS name"},
	{"{names}", `
LEFT JOIN {titles} whole ON whole.place = c.workspace AND whole.kind = c.source AND whole.id = c.source_id AND whole.action = 0 AND whole.content = 0
LEFT JOIN {titles} part ON part.place = c.workspace AND part.kind = c.source AND part.id = c.source_id
  AND part.action = coalesce(c.action_id, 0) AND part.content = CASE WHEN c.action_id IS NULL THEN c.content_id ELSE 0 END`},
	{"{titles}", "(SELECT workspace AS place, source AS kind, source_id AS id, coalesce(action_id, 0) AS action, coalesce(content_id, 0) AS content, name AS title FROM {schema}.customerio_names)"},
}
