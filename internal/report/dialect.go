package report

import (
	_ "embed" // for statements
	"fmt"
	"time"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// A dialect has the expressions in which the SQL of warehouses differs. All other SQL of a
// report is the same for each warehouse.
type dialect struct {
	// seconds and milliseconds return the time between two timestamps.
	seconds, milliseconds func(from, to string) string
	// quantiles aggregates an expression to a list, of which quantile returns an element,
	// such as the median for 50 of 100.
	quantiles func(expression string) string
	quantile  func(list string, percent int) string
	// day returns the day of a timestamp in an IANA time zone.
	day func(timestamp, zone string) string
	// minute and hour return the beginning of a timestamp's minute and hour.
	minute, hour func(timestamp string) string
	// instant returns a literal.
	instant func(time.Time) string
	// replace replaces every match of an expression of RE2.
	replace func(text, pattern, by string) string
	// ownGroups and ownOptouts find the same as the statements on the views
	// customerio_deliveries and customerio_sent_after_optout. "" for a warehouse whose views
	// cost no more.
	ownGroups, ownOptouts string
}

// These statements have the numbers of the views; tests compare them. For 10,002,082 events
// duckdbGroups takes 11 s of processor time, where the view alone takes 16 s. A hash with
// 64 bits replaces each text in the key of a delivery: two of 10 million deliveries are
// counted as one with a probability of 1 in 370,000. The hashes low and high name the message
// of a delivery. They differ where some rows lack a column, such as rows of an older release,
// and the message then has the columns of both. Rows that lack columns in more than two ways
// do not occur within a delivery. began is the time of sent, or the first time plus clock.unsent.
// done has a bit for each event, and for each provider in the order of names.
//
// duckdbOptouts looks at the e-mails of people who opted out, where the view finds all
// e-mails first: 3 s instead of 18.
var (
	//go:embed duckdb_groups.sql
	duckdbGroups string
	//go:embed duckdb_optouts.sql
	duckdbOptouts string
)

const instantLayout = "2006-01-02 15:04:05+00"

var dialects = map[warehouse.Dialect]dialect{
	warehouse.DuckDBSQL: {
		ownGroups: duckdbGroups, ownOptouts: duckdbOptouts,
		seconds:      func(from, to string) string { return fmt.Sprintf("(epoch(%s) - epoch(%s))", to, from) },
		milliseconds: func(from, to string) string { return fmt.Sprintf("(epoch_ms(%s) - epoch_ms(%s))", to, from) },
		quantiles:    func(expression string) string { return "quantile_cont(" + expression + ", [0.5, 0.9, 0.99])" },
		quantile: func(list string, percent int) string {
			return fmt.Sprintf("%s[%d]", list, map[int]int{50: 1, 90: 2, 99: 3}[percent])
		},
		day: func(timestamp, zone string) string {
			if zone == "UTC" { // a conversion takes 0.5 µs
				return "CAST(make_timestamp(epoch_us(" + timestamp + ")) AS DATE)"
			}
			return fmt.Sprintf("CAST(timezone('%s', %s) AS DATE)", zone, timestamp)
		},
		minute:  func(timestamp string) string { return "date_trunc('minute', " + timestamp + ")" },
		instant: func(t time.Time) string { return "TIMESTAMPTZ '" + t.UTC().Format(instantLayout) + "'" },
		hour:    func(timestamp string) string { return "to_timestamp(epoch_us(" + timestamp + ") // 3600000000 * 3600)" },
		replace: func(text, pattern, by string) string {
			return fmt.Sprintf("regexp_replace(%s, '%s', '%s', 'g')", text, pattern, by)
		},
	},
	warehouse.GoogleSQL: {
		seconds: func(from, to string) string {
			return fmt.Sprintf("(TIMESTAMP_DIFF(%s, %s, MICROSECOND) / 1000000)", to, from)
		},
		milliseconds: func(from, to string) string {
			return fmt.Sprintf("CAST(TIMESTAMP_DIFF(%s, %s, MILLISECOND) AS FLOAT64)", to, from)
		},
		quantiles: func(expression string) string { return "APPROX_QUANTILES(" + expression + ", 100)" },
		quantile:  func(list string, percent int) string { return fmt.Sprintf("%s[OFFSET(%d)]", list, percent) },
		day:       func(timestamp, zone string) string { return fmt.Sprintf("DATE(%s, '%s')", timestamp, zone) },
		minute:    func(timestamp string) string { return "TIMESTAMP_TRUNC(" + timestamp + ", MINUTE)" },
		instant:   func(t time.Time) string { return "TIMESTAMP '" + t.UTC().Format(instantLayout) + "'" },
		hour:      func(timestamp string) string { return "TIMESTAMP_TRUNC(" + timestamp + ", HOUR)" },
		replace: func(text, pattern, by string) string {
			return fmt.Sprintf("REGEXP_REPLACE(%s, r'%s', r'%s')", text, pattern, by)
		},
	},
}
