package bigquery

import (
	_ "embed"
	"fmt"
	"strings"
	"time"

	"github.com/cioevents/cioevents/internal/warehouse"
)

//go:embed views.sql
var viewsSQL string

const (
	datasetAbout = "Customer.io events, written by cioevents"
	rawAbout     = "Every row that was written, an event perhaps more than once: query the view " + warehouse.Events
)

// clusterColumns are what analysts look for most, the coarsest first.
var clusterColumns = []string{"campaign_id", "metric", "delivery_id"}

// Statements returns what Open does as GoogleSQL, in an order in which it can be
// run, also again.
func Statements(project, dataset string) []string {
	var create, add []string
	for _, c := range warehouse.Columns() {
		definition := quote(c.Name) + " " + sqlTypes[c.Type]
		options := fmt.Sprintf(" OPTIONS (description = %q)", c.About)
		if !c.Required {
			add = append(add, "  ADD COLUMN IF NOT EXISTS "+definition+options)
		} else {
			definition += " NOT NULL"
		}
		create = append(create, "  "+definition+options)
	}
	table := quote(project, dataset, Raw)
	statements := []string{
		fmt.Sprintf("CREATE SCHEMA IF NOT EXISTS %s\nOPTIONS (description = %q)", quote(project, dataset), datasetAbout),
		fmt.Sprintf("CREATE TABLE IF NOT EXISTS %s (\n%s\n)\nPARTITION BY DATE(%s)\nCLUSTER BY %s\nOPTIONS (description = %q)",
			table, strings.Join(create, ",\n"), quote(partitionColumn), strings.Join(clusterColumns, ", "), rawAbout),
		fmt.Sprintf("ALTER TABLE %s\n%s", table, strings.Join(add, ",\n")),
	}
	for _, v := range views(project, dataset) {
		statements = append(statements, "CREATE OR REPLACE VIEW "+quote(project, dataset, v.name)+" AS\n"+v.query)
	}
	return statements
}

var sqlTypes = map[warehouse.Type]string{
	warehouse.Text:      "STRING",
	warehouse.Integer:   "INT64",
	warehouse.Boolean:   "BOOL",
	warehouse.Timestamp: "TIMESTAMP",
	warehouse.JSON:      "JSON",
}

// CompactDay returns the statement that removes the repeats of one day from the
// table, by UTC. Nothing needs it: the view hides them. It saves the storage, and
// the view's work, where many events were replayed. It reads the day once, and
// is for a day to which nothing is written at the time.
func CompactDay(project, dataset string, day time.Time) string {
	day = day.UTC()
	column := "t." + quote(partitionColumn)
	within := fmt.Sprintf("%s >= TIMESTAMP '%s' AND %s < TIMESTAMP '%s'",
		column, day.Format(time.DateOnly), column, day.AddDate(0, 0, 1).Format(time.DateOnly))
	table := quote(project, dataset, Raw)
	return "MERGE " + table + " t\n" +
		"USING (\n  SELECT * FROM " + table + " t\n  WHERE " + within + "\n  QUALIFY " + firstOfEach + "\n) s\nON FALSE\n" +
		"WHEN NOT MATCHED BY SOURCE AND " + within + " THEN DELETE\n" +
		"WHEN NOT MATCHED BY TARGET THEN INSERT ROW"
}

// firstOfEach chooses one row of each event. The time does not tell events
// apart, as an event never changes it; it is there for a filter on it to reach
// the table's partitions through the view.
const firstOfEach = "ROW_NUMBER() OVER (PARTITION BY workspace, event_id, `timestamp` ORDER BY received_at, stream_sequence) = 1"

// A view is a name and its query.
type view struct{ name, query string }

// views returns the views in an order in which they can be created.
func views(project, dataset string) []view {
	list := []view{{
		name:  warehouse.Events,
		query: "SELECT * FROM " + quote(project, dataset, Raw) + "\nWHERE TRUE\nQUALIFY " + firstOfEach,
	}}
	for _, text := range strings.SplitAfter(viewsSQL, ";\n") {
		_, text, found := strings.Cut(text, "CREATE OR REPLACE VIEW `{dataset}.")
		if !found {
			continue
		}
		view, query, _ := strings.Cut(text, "` AS\n")
		list = append(list, newView(view, query, project+"."+dataset))
	}
	return list
}

func newView(name, query, dataset string) view {
	query = strings.TrimSuffix(strings.TrimSpace(query), ";")
	return view{name: name, query: strings.ReplaceAll(query, "{dataset}", dataset)}
}

// quote makes one name of the parts. None of them contains a backquote: New sees
// to that, and what does not come from New is printed for a person.
func quote(parts ...string) string { return "`" + strings.Join(parts, ".") + "`" }
