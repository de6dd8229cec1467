// Package duckdbsql has the SQL that both warehouses for DuckDB share: a database
// file, and a folder of Parquet files.
package duckdbsql

import (
	"cmp"
	_ "embed" // for the views
	"fmt"
	"regexp"
	"strings"
)

//go:embed views.sql
var views string

//go:embed views_health.sql
var healthViews string

// A Store says where the views find the events.
type Store struct {
	// Schema has the views and tables. The caller quotes the name where SQL needs quotes.
	Schema string
	// Day is the column with the UTC day of a row's timestamp by which the rows are
	// divided into files. Such a store has all rows in Raw, and an event may have several.
	// Default: the table of events has each event once.
	Day string
	// Fill fills in what the views of all warehouses share: warehouse.HealthSQL. This package
	// cannot import package warehouse, which is on the same floor.
	Fill func(query string) string
}

// Raw is the table with all rows of a store that is divided by days.
const Raw = "customerio_events_raw"

// warehouse.Between and warehouse.NearDays. This package is on the same floor as package warehouse.
const (
	between  = "_between"
	nearDays = 31
)

// Views returns the statements that create the analysts' views. For each view V there is
// a table function V_between(first_day, last_day) with the numbers of some days, which
// reads no more days than necessary.
func Views(s Store) []string {
	var statements []string
	for text := range strings.SplitAfterSeq(views+healthViews, ";\n") {
		_, text, found := strings.Cut(text, "CREATE OR REPLACE VIEW {schema}.")
		if !found {
			continue
		}
		name, query, _ := strings.Cut(strings.TrimSuffix(text, ";\n"), " AS\n")
		name, query = s.Schema+"."+name, s.sources(query)
		statements = append(statements,
			"CREATE OR REPLACE VIEW "+name+" AS\n"+s.fill(whole(query))+";",
			"CREATE OR REPLACE MACRO "+name+between+"(first_day, last_day) AS TABLE\n"+s.fill(s.someDays(query))+";")
	}
	return statements
}

// counted is the condition that leaves out a backfilled event if a webhook has told of the
// same metric of the delivery. Without backfilled rows both queries in it are empty: DuckDB
// knows the shapes of a block of rows from its statistics, and skips a join with nothing.
const counted = `
    AND NOT (NOT {webhook} AND (workspace, delivery_id, metric) IN (
      SELECT (w.workspace, w.delivery_id, w.metric) FROM {rows} w
      WHERE w.{webhook} AND w.metric IS NOT NULL AND w.delivery_id IN (SELECT b.delivery_id FROM {rows} b WHERE b.shape = 'backfill'{near}){near}))`

// sources fills in where the events are, and how they are counted.
func (s *Store) sources(query string) string {
	query = strings.ReplaceAll(query, "{counted}", counted)
	events := "{schema}.customerio_events"
	if s.Day == "" {
		return strings.NewReplacer("{rows}", events, "{once}", events+" WHERE {webhook}{on}", "{distinct}", "", "{count}", "count(*)").Replace(query)
	}
	raw := "{schema}." + Raw
	// {count} is of the events of a delivery on a day. count(DISTINCT) takes more than twice
	// the time, because DuckDB builds a second table of all groups. A hash has 64 bits: two
	// of a million events of one delivery are equal with a probability of 1 in 37 million.
	return strings.NewReplacer("{rows}", raw, "{distinct}", "DISTINCT ", "{count}", "len(list_distinct(list(hash(event_id, metric))))",
		"{once}", `(SELECT min("timestamp") AS "timestamp", min(received_at) AS received_at FROM `+raw+" WHERE {webhook}{on} GROUP BY workspace, event_id, metric)").Replace(query)
}

// other matches a view that a view reads.
var other = regexp.MustCompile(`\{from (\w+)\}`)

// whole returns the query of all days.
func whole(query string) string {
	query = strings.NewReplacer("{near}", "", "{on}", "", "{chosen}", "").Replace(query)
	return other.ReplaceAllString(query, "{schema}.$1")
}

// someDays returns the query of the days from first_day to last_day.
func (s *Store) someDays(query string) string {
	first, last, day := "CAST(first_day AS DATE)", "CAST(last_day AS DATE)", cmp.Or(s.Day, `"timestamp"`)
	query = strings.NewReplacer(
		"{near}", fmt.Sprintf(` AND %s BETWEEN %s - %d AND %s + %d`, day, first, nearDays, last, nearDays),
		"{on}", fmt.Sprintf(` AND %[3]s BETWEEN %[1]s - 1 AND %[2]s + 2 AND {day} BETWEEN %[1]s AND %[2]s`, first, last, day),
		"{chosen}", fmt.Sprintf("\nWHERE day BETWEEN %s AND %s", first, last),
	).Replace(query)
	return other.ReplaceAllString(query, "{schema}.${1}"+between+"(first_day, last_day)")
}

// fill fills in the shared parts.
func (s *Store) fill(query string) string {
	for _, p := range parts {
		query = strings.ReplaceAll(query, p.name, p.sql)
	}
	return strings.ReplaceAll(s.Fill(query), "{schema}", s.Schema)
}

// JSON returns an expression that reads a column's text as JSON. A text that DuckDB
// cannot parse becomes a JSON string of the text. Unchanged, the text would fail
// every query that looks into the column.
func JSON(column string) string {
	return fmt.Sprintf("coalesce(TRY_CAST(%[1]s AS JSON), to_json(%[1]s))", column)
}
