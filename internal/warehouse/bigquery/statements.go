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
	rawAbout     = "All written rows. An event may have several: query the view " + warehouse.Events
)

// clusterColumns are the columns that analysts filter by most, the coarsest first.
var clusterColumns = []string{"campaign_id", "metric", "delivery_id"}

// Statements returns the GoogleSQL that creates the same dataset, table and views as
// Open, in the order to run. The statements may be run again.
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

// CompactDay returns the statement that removes repeated rows of a day (UTC) from the
// table. The statement is optional, because the view hides repeated rows. After a
// large replay the statement saves storage, and work of the view. It reads the day
// once. Run the statement while nothing writes rows of the day.
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

// firstOfEach selects the first received row of each event. The time of an event never
// changes, so the key does not need the timestamp. With the timestamp in the key, a
// filter on the view's timestamp also limits the partitions of the table.
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

// quote joins the parts into a quoted name. No part contains a backquote: New checks
// the names of a Config, and other names are only printed for a person.
func quote(parts ...string) string { return "`" + strings.Join(parts, ".") + "`" }
