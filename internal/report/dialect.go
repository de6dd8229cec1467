package report

import (
	"fmt"
	"strings"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// A dialect has the expressions in which the SQL of warehouses differs. All other SQL of a
// report is the same for each warehouse.
type dialect struct {
	// between returns the time between two timestamps in the unit SECOND or MILLISECOND.
	between func(unit, from, to string) string
	// quantile returns the quantile of an expression, such as the median with 50 of 100.
	quantile func(expression string, percent int) string
	// hour returns the hour of a timestamp in UTC.
	hour func(timestamp string) string
	// replace replaces all matches of a pattern. The pattern may have both quotes.
	replace func(text, pattern, with string) string
}

var dialects = map[warehouse.Dialect]dialect{
	warehouse.DuckDBSQL: {
		between: func(unit, from, to string) string { return fmt.Sprintf("date_diff('%s', %s, %s)", unit, from, to) },
		quantile: func(expression string, percent int) string {
			return fmt.Sprintf("quantile_cont(%s, %d / 100)", expression, percent)
		},
		hour: func(timestamp string) string { return "date_trunc('hour', " + timestamp + ")" },
		replace: func(text, pattern, with string) string {
			return fmt.Sprintf("regexp_replace(%s, '%s', '%s', 'g')", text, strings.ReplaceAll(pattern, "'", "''"), with)
		},
	},
	warehouse.GoogleSQL: {
		between: func(unit, from, to string) string { return fmt.Sprintf("TIMESTAMP_DIFF(%s, %s, %s)", to, from, unit) },
		quantile: func(expression string, percent int) string {
			return fmt.Sprintf("APPROX_QUANTILES(%s, 100)[OFFSET(%d)]", expression, percent)
		},
		hour: func(timestamp string) string { return "TIMESTAMP_TRUNC(" + timestamp + ", HOUR)" },
		replace: func(text, pattern, with string) string {
			return fmt.Sprintf(`REGEXP_REPLACE(%s, r"""%s""", r"%s")`, text, pattern, with)
		},
	},
}
