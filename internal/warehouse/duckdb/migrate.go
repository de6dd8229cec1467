package duckdb

import (
	"fmt"
	"strings"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/duckdbsql"
)

// eventsTable is the table of events with its schema.
const eventsTable = warehouse.DefaultSchema + "." + warehouse.Events

// compressions are what DuckDB chooses for these columns anyway. The choice is a trial of
// every compression at each checkpoint, which takes a tenth of the time of all writes. For
// the other columns the best choice depends on the events. DuckDB takes another compression
// for a text that is too long for the named one.
var compressions = map[string]string{
	"event_id": "fsst", "customer_id": "fsst", "cio_id": "fsst", "email_address": "fsst",
	"recipient": "fsst", "identifier_email": "fsst", "payload": "fsst",
	"metric": "dictionary", "object_type": "dictionary", "workspace": "dictionary", "shape": "dictionary",
	"source": "dictionary", "source_id": "dictionary", "bounce_class": "dictionary",
	"recipient_domain": "dictionary", "mailbox_provider": "dictionary",
}

// Statements returns the statements of Open in order. Running the statements again is
// harmless. The statements only add to the table, so that a program of an older release
// can go on to write beside a newer program.
func Statements() []string {
	columns := warehouse.Columns()
	definitions := make([]string, len(columns))
	alter := make([]string, len(columns))
	for i, c := range columns {
		definitions[i] = quote(c.Name) + " " + sqlTypes[c.Type]
		alter[i] = "ALTER TABLE " + eventsTable + " ADD COLUMN IF NOT EXISTS " + definitions[i]
		if c.Required {
			definitions[i] += " NOT NULL"
		}
		if method, ok := compressions[c.Name]; ok {
			definitions[i] += " USING COMPRESSION " + method
		}
	}
	list := append([]string{
		"CREATE SCHEMA IF NOT EXISTS " + warehouse.DefaultSchema,
		"CREATE TABLE IF NOT EXISTS " + eventsTable + " (" + strings.Join(definitions, ", ") + ")",
	}, alter...)
	list = append(list, noteStatements()...)
	list = append(list, duckdbsql.Views(duckdbsql.Store{Schema: warehouse.DefaultSchema, Fill: warehouse.HealthSQL})...)
	// Views in main, so that DuckDB's own shell finds the names without a schema.
	for _, view := range append([]string{warehouse.Events, warehouse.Names, warehouse.Settings, warehouse.Rollup}, warehouse.Views()...) {
		list = append(list, fmt.Sprintf("CREATE OR REPLACE VIEW main.%[1]s AS SELECT * FROM %[2]s.%[1]s", view, warehouse.DefaultSchema))
	}
	for _, view := range warehouse.Views() {
		list = append(list, fmt.Sprintf("CREATE OR REPLACE MACRO main.%[1]s(first_day, last_day) AS TABLE SELECT * FROM %[2]s.%[1]s(first_day, last_day)", view+warehouse.Between, warehouse.DefaultSchema))
	}
	for _, view := range warehouse.RetiredViews() {
		list = append(list, "DROP VIEW IF EXISTS main."+view, "DROP VIEW IF EXISTS "+warehouse.DefaultSchema+"."+view)
	}
	// A checkpoint, because replaying DDL from the write-ahead log has failed before.
	return append(list, "CHECKPOINT")
}
