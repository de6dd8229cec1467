package bigquery

import (
	_ "embed" // for the views
	"fmt"
	"regexp"
	"strings"

	"github.com/cioevents/cioevents/internal/warehouse"
)

//go:embed views.sql
var viewsSQL string

//go:embed views_health.sql
var healthSQL string

// ViewDays is how many days back the views read events. The bound limits the bill: a view
// cannot hand a condition on its own days down to the partitions. 400 days contain a
// month and the same month of the year before. The table functions read any days.
const ViewDays = 400

// A view is a name and its query.
type view struct{ name, query string }

// views returns the views in an order in which they can be created.
func views(project, dataset string) []view {
	list := []view{{
		name:  warehouse.Events,
		query: "SELECT * FROM " + quote(project, dataset, Raw) + "\nWHERE TRUE\nQUALIFY " + oneOfEach,
	}, {
		name:  warehouse.Names,
		query: "SELECT * FROM " + quote(project, dataset, NamesRaw) + "\nWHERE TRUE\nQUALIFY " + latestName,
	}}
	for _, v := range analystViews() {
		list = append(list, view{v.name, fill(recent(v.query), project, dataset)})
	}
	return list
}

// functions returns the table functions in an order in which they can be created.
func functions(project, dataset string) []view {
	var list []view
	for _, v := range analystViews() {
		list = append(list, view{v.name + warehouse.Between, fill(someDays(v.query), project, dataset)})
	}
	return list
}

// analystViews returns the views of views.sql, to be filled in.
func analystViews() []view {
	var list []view
	for text := range strings.SplitAfterSeq(viewsSQL+healthSQL, ";\n") {
		if _, text, found := strings.Cut(text, "CREATE OR REPLACE VIEW {dataset}."); found {
			text = strings.ReplaceAll(text, "{told}", told)
			name, query, _ := strings.Cut(strings.TrimSuffix(text, ";\n"), " AS\n")
			list = append(list, view{name, query})
		}
	}
	return list
}

// told is the table with a column that is true if a webhook has told of the metric of the
// delivery. {around} and {days} together limit the days as {on} does: the window is within
// the partitions of the days.
const told = "(SELECT *, LOGICAL_OR({webhook}) OVER (PARTITION BY workspace, COALESCE(delivery_id, event_id), metric) AS told FROM {rows} WHERE TRUE{around})"

// other matches a view that a view reads.
var other = regexp.MustCompile(`\{from (\w+)\}`)

// recent returns the query of a view.
func recent(query string) string {
	since := fmt.Sprintf("`timestamp` >= TIMESTAMP_SUB(CURRENT_TIMESTAMP(), INTERVAL %d DAY)", ViewDays)
	query = strings.NewReplacer("{near}", " AND "+since, "{before}", " AND "+since, "{on}", " AND ("+since+" OR `timestamp` IS NULL)", "{around}", " AND ("+since+" OR `timestamp` IS NULL)", "{days}", "", "{chosen}", "").Replace(query)
	return other.ReplaceAllString(query, "{dataset}.$1")
}

// someDays returns the query of a table function. Conditions on the parameters limit the
// partitions, because BigQuery knows the parameters before it reads.
func someDays(query string) string {
	within := func(before, after int) string {
		return fmt.Sprintf(" AND `timestamp` >= TIMESTAMP(DATE_SUB(first_day, INTERVAL %d DAY)) AND `timestamp` < TIMESTAMP(DATE_ADD(last_day, INTERVAL %d DAY))", before, after)
	}
	query = strings.NewReplacer(
		"{near}", within(warehouse.NearDays, warehouse.NearDays+1),
		"{before}", within(ViewDays, 2),
		"{around}", within(1, 2),
		"{days}", " AND {day} BETWEEN first_day AND last_day",
		"{on}", within(1, 2)+" AND {day} BETWEEN first_day AND last_day",
		"{chosen}", "\nWHERE DATE(COALESCE(sent_at, first_event_at), timezone) BETWEEN first_day AND last_day",
	).Replace(query)
	return other.ReplaceAllString(query, "{dataset}.${1}"+warehouse.Between+"(first_day, last_day)")
}

// parts are the SQL that several views share. A part may contain parts below it.
var parts = []struct{ name, sql string }{
	{"{human_open}", "metric = 'opened' AND NOT COALESCE(is_machine, FALSE) AND NOT COALESCE(synthetic, FALSE)"},
	{"{human_click}", "metric = 'clicked' AND NOT COALESCE(is_machine, FALSE)"},

	// A webhook has told of the event. A backfilled event was received when it was made, and
	// its clicks name no link.
	{"{counted}", "({webhook} OR NOT told)"},
	{"{webhook}", "shape IS DISTINCT FROM 'backfill'"},

	{"{outcome_rank}", "CASE metric WHEN 'delivered' THEN 1 WHEN 'dropped' THEN 2 WHEN 'failed' THEN 3 WHEN 'undeliverable' THEN 4 ELSE {bounce_rank} END"},
	{"{bounce_rank}", "CASE WHEN metric = 'bounced' THEN CASE bounce_class WHEN 'hard' THEN 7 WHEN 'soft' THEN 6 ELSE 5 END END"},
	{"{second}", "DIV(UNIX_MICROS(`timestamp`) + 62135596800000000, 1000000)"}, // since the year 1, so never negative
	{"{day}", "DATE(`timestamp`, timezone)"},

	// Twice, because a match contains the end of the segment before.
	{"{url}", `REGEXP_REPLACE(REGEXP_REPLACE(REGEXP_REPLACE(MAX(href), r'(?s)[?#].*', ''), {token}, r'\1…'), {token}, r'\1…')`},
	{"{token}", "r'([^/]/)[0-9A-Za-z_=.~-]*(?:[0-9A-Za-z_=]{20}|[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3})[^/]*'"},

	// The provider refused the sender; see warehouse.Row.Refusal.
	{"{blocked}", "({unauthenticated} OR {refused} AND REGEXP_CONTAINS({reason}, r'{blocked_pattern}'))"},
	{"{unauthenticated}", "{refused} AND REGEXP_CONTAINS({reason}, r'{unauthenticated_pattern}')"},
	{"{refused}", "outcome IN ('soft', 'unknown')"},
	{"{reason}", "LEFT(failure_message, 4096)"},

	// The person of an event, also in a workspace without ids.
	{"{person}", "COALESCE(customer_id, LOWER(email_address))"},

	// A message has the name of its source, with the name of the action or variant. Names are
	// joined loosely: customerio_names may be empty.
	{"{name}", "COALESCE(CONCAT(whole.title, ' / ', part.title), whole.title, part.title) AS name"},
	{"{names}", `
LEFT JOIN {titles} whole ON whole.place = c.workspace AND whole.kind = c.source AND whole.id = c.source_id AND whole.action = 0 AND whole.content = 0
LEFT JOIN {titles} part ON part.place = c.workspace AND part.kind = c.source AND part.id = c.source_id
  AND part.action = COALESCE(c.action_id, 0) AND part.content = IF(c.action_id IS NULL, c.content_id, 0)`},
	{"{titles}", "(SELECT workspace AS place, source AS kind, source_id AS id, COALESCE(action_id, 0) AS action, COALESCE(content_id, 0) AS content, name AS title FROM {dataset}.customerio_names)"},
	{"{rows}", "{dataset}." + Raw},
}

// table matches a name in the dataset.
var table = regexp.MustCompile(`\{dataset\}\.(\w+)`)

// fill fills in the shared parts and the dataset.
func fill(query, project, dataset string) string {
	for _, p := range parts {
		query = strings.ReplaceAll(query, p.name, p.sql)
	}
	return table.ReplaceAllString(warehouse.HealthSQL(query), quote(project, dataset, "$1"))
}
