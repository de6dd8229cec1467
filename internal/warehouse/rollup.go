package warehouse

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Rollup is the name of the table with the counts of past days. Nothing but "cioctl
// warehouse rollup" fills the table.
const Rollup = "customerio_rollup_daily"

// RollupColumns returns the columns of the table Rollup in the order of the table.
func RollupColumns() []Column { return slices.Clone(rollupColumns) }

// rollupKey is the key of customerio_daily, without the name, and the mailbox provider. A
// stored name would split a message that somebody renames.
var rollupKey = append(slices.DeleteFunc(slices.Clone(dailyKey), func(c Column) bool { return c.Name == "name" }),
	column("mailbox_provider", Text, "gmail, microsoft, yahoo, apple or other. NULL for messages that are not e-mails"))

var rollupColumns = slices.Concat(
	[]Column{required(rollupKey[0]), required(rollupKey[1])}, rollupKey[2:], deliveryCounts,
	[]Column{required(column("updated_at", Timestamp, "When the row was computed. Later events of the deliveries are not in the row"))})

// rollupSQL has the expressions of the key and the counts, in the order of rollupColumns.
// All dialects have the expressions.
var rollupSQL = []string{
	"workspace", "day", "object_type", "source", "source_id", "action_id", "content_id",
	"CASE WHEN object_type = 'email' THEN COALESCE(mailbox_provider, '" + other + "') END",
	"COUNT(*)", "COUNT(sent_at)", CountOf("outcome = 'delivered'"),
	CountOf("outcome = 'hard'"), CountOf("outcome = 'soft'"), CountOf("outcome = 'unknown'"),
	CountOf("outcome IN ('dropped', 'failed', 'undeliverable')"),
	"COUNT(human_opened_at)", "COUNT(human_clicked_at)", "COUNT(converted_at)", "COUNT(unsubscribed_at)", "COUNT(complained_at)",
	CountOf("complained_at IS NOT NULL AND " + outsideGmail), CountOf("outcome = 'delivered' AND " + outsideGmail),
	"CURRENT_TIMESTAMP",
}

const outsideGmail = "object_type = 'email' AND mailbox_provider IS DISTINCT FROM '" + gmail + "'"

// CountOf returns the SQL that counts the rows of a condition, in all dialects.
func CountOf(condition string) string { return "COUNT(CASE WHEN " + condition + " THEN 1 END)" }

// RollupSQL returns the query of the rows of Rollup from deliveries, which is a table, a
// view, a table function or a query in parentheses with the columns of
// customerio_deliveries.
func RollupSQL(deliveries string) string {
	list := make([]string, len(rollupColumns))
	for i, c := range rollupColumns {
		list[i] = rollupSQL[i] + " AS " + c.Name
	}
	return fmt.Sprintf("SELECT\n  %s\nFROM %s d\nGROUP BY 1, 2, 3, 4, 5, 6, 7, 8", strings.Join(list, ",\n  "), deliveries)
}

// Days are days of the views, from First to Last, both included.
type Days struct{ First, Last time.Time }

// Within returns a condition that a column of type DATE is one of the days.
func (d Days) Within(column string) string {
	first, last := d.Dates()
	return fmt.Sprintf("%s BETWEEN %s AND %s", column, first, last)
}

// Of returns a call of the table function of a view with the days.
func (d Days) Of(view string) string {
	first, last := d.Dates()
	return fmt.Sprintf("%s%s(%s, %s)", view, Between, first, last)
}

// Dates returns First and Last in SQL.
func (d Days) Dates() (first, last string) {
	const layout = "DATE '" + time.DateOnly + "'"
	return d.First.Format(layout), d.Last.Format(layout)
}
