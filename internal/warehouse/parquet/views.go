package parquet

import (
	_ "embed"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/cioevents/cioevents/internal/warehouse"
)

//go:embed views.sql
var analystViews string

// eventsView shows each event once, the delivery that was received first. Files
// of several releases are read together by the columns' names.
//
// A payload that is no JSON to DuckDB becomes a JSON text with the body in it:
// as it is, it would make every query fail that looks into the column.
const eventsView = `SET TimeZone = 'UTC';
CREATE SCHEMA IF NOT EXISTS %[1]s;
SET search_path = '%[1]s,main';

CREATE OR REPLACE VIEW %[1]s.%[2]s AS
SELECT * REPLACE (coalesce(TRY_CAST(payload AS JSON), to_json(payload)) AS payload)
FROM read_parquet('%[3]s', hive_partitioning = true, hive_types = {'dt': DATE}, union_by_name = true)
QUALIFY row_number() OVER (PARTITION BY workspace, event_id ORDER BY received_at) = 1;
`

// globEscape makes the characters of a pattern stand for themselves.
var globEscape = strings.NewReplacer("[", "[[]", "*", "[*]", "?", "[?]")

// Views returns what makes the table of events and the views over it, with the
// names that they have in every warehouse, in a DuckDB session: SQL for the
// warehouse in the folder dir, which must have been opened once.
func Views(dir string) string {
	files := filepath.Join(globEscape.Replace(dir), warehouse.Events, dayPrefix+"*", "*"+fileSuffix)
	var b strings.Builder
	fmt.Fprintf(&b, eventsView, warehouse.DefaultSchema, warehouse.Events, strings.ReplaceAll(files, "'", "''"))
	for _, c := range warehouse.Columns() {
		fmt.Fprintf(&b, "COMMENT ON COLUMN %s.%s.%q IS '%s';\n", warehouse.DefaultSchema, warehouse.Events, c.Name, strings.ReplaceAll(c.About, "'", "''"))
	}
	b.WriteString("\n" + strings.ReplaceAll(analystViews, "{schema}", warehouse.DefaultSchema))
	return b.String()
}
