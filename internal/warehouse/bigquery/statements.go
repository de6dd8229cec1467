package bigquery

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/cioevents/cioevents/internal/warehouse"
)

const (
	datasetAbout = "Customer.io events, written by cioevents"
	rawAbout     = "All written rows. An event may have several: query the view " + warehouse.Events
)

// clusterColumns are the columns that analysts filter by most, the coarsest first.
var clusterColumns = []string{"campaign_id", "metric", "delivery_id"}

// Statements returns the GoogleSQL that creates the same dataset, table and views as
// Open, in the order to run. The statements may be run again. An empty location is
// DefaultLocation.
func Statements(project, dataset, location string) []string {
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
		fmt.Sprintf("CREATE SCHEMA IF NOT EXISTS %s\nOPTIONS (location = %q, description = %q)",
			quote(project, dataset), cmp.Or(location, DefaultLocation), datasetAbout),
		fmt.Sprintf("CREATE TABLE IF NOT EXISTS %s (\n%s\n)\nPARTITION BY DATE(%s)\nCLUSTER BY %s\nOPTIONS (description = %q)",
			table, strings.Join(create, ",\n"), quote(partitionColumn), strings.Join(clusterColumns, ", "), rawAbout),
		fmt.Sprintf("ALTER TABLE %s\n%s", table, strings.Join(add, ",\n")),
	}
	statements = append(statements, noteStatements(project, dataset)...)
	for _, v := range views(project, dataset) {
		statements = append(statements, fmt.Sprintf("CREATE OR REPLACE VIEW %s\nOPTIONS (labels = [('%s', '%d')]) AS\n%s",
			quote(project, dataset, v.name), viewsLabel, viewsVersion, v.query))
	}
	for _, f := range functions(project, dataset) {
		statements = append(statements, fmt.Sprintf("CREATE OR REPLACE TABLE FUNCTION %s(first_day DATE, last_day DATE) AS (\n%s\n)",
			quote(project, dataset, f.name), f.query))
	}
	for _, v := range warehouse.RetiredViews() {
		statements = append(statements, "DROP VIEW IF EXISTS "+quote(project, dataset, v))
	}
	return statements
}

var sqlTypes = map[warehouse.Type]string{
	warehouse.Text:      "STRING",
	warehouse.Integer:   "INT64",
	warehouse.Boolean:   "BOOL",
	warehouse.Timestamp: "TIMESTAMP",
	warehouse.JSON:      "JSON",
	warehouse.Date:      "DATE",
}

// quote joins the parts into a quoted name. No part contains a backquote: New checks
// the names of a Config, and other names are only printed for a person.
func quote(parts ...string) string { return "`" + strings.Join(parts, ".") + "`" }
