package parquet

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/duckdbsql"
)

// eventsSQL makes the view that shows each event once, the delivery that was
// received first, and a table function that does so for some days: a condition
// on the view cannot keep DuckDB from reading every day, because an event's
// repeat may lie in any. Files of several releases are read together by the
// columns' names.
const eventsSQL = `SET TimeZone = 'UTC';
CREATE SCHEMA IF NOT EXISTS {schema};
SET search_path = '{schema},main';

CREATE OR REPLACE VIEW {schema}.{table} AS
SELECT * REPLACE ({payload} AS payload)
FROM {files}
QUALIFY row_number() OVER (PARTITION BY workspace, event_id ORDER BY received_at) = 1;

-- FROM {table}_between('2026-01-01', '2026-01-31') reads the files of those
-- days only, the first and the last included.
CREATE OR REPLACE MACRO {schema}.{table}_between(first_day, last_day) AS TABLE
SELECT * REPLACE ({payload} AS payload)
FROM {files}
WHERE dt BETWEEN CAST(first_day AS DATE) AND CAST(last_day AS DATE)
QUALIFY row_number() OVER (PARTITION BY workspace, event_id ORDER BY received_at) = 1;

`

// globEscape makes the characters of a pattern stand for themselves.
var globEscape = strings.NewReplacer("[", "[[]", "*", "[*]", "?", "[?]")

// Views returns what makes the table of events and the views over it, with the
// names that they have in every warehouse, in a DuckDB session: SQL for the
// warehouse in the folder dir, which must have been opened once.
func Views(dir string) string {
	files := filepath.Join(globEscape.Replace(dir), warehouse.Events, dayPrefix+"*", "*"+fileSuffix)
	var text strings.Builder
	text.WriteString(eventsSQL)
	for _, c := range warehouse.Columns() {
		fmt.Fprintf(&text, "COMMENT ON COLUMN {schema}.{table}.%q IS %s;\n", c.Name, quote(c.About))
	}
	text.WriteString("\n" + strings.Join(duckdbsql.Views("{schema}"), "\n\n") + "\n")
	return strings.NewReplacer(
		"{schema}", warehouse.DefaultSchema,
		"{table}", warehouse.Events,
		"{payload}", duckdbsql.JSON("payload"),
		"{files}", "read_parquet("+quote(files)+", hive_partitioning = true, hive_types = {'dt': DATE}, union_by_name = true)",
	).Replace(text.String())
}

func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }
