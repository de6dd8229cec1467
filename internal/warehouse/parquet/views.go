package parquet

import (
	"fmt"
	"strings"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/duckdbsql"
)

// eventsSQL creates the view that shows each event once, with the row of the highest
// rank, and a table function that does the same for some days. The view reads all days
// even under a condition, because the repeat of an event may be in any day.
const eventsSQL = `SET TimeZone = 'UTC';
SET parquet_metadata_cache = true; -- each view below looks into all files when it is created
CREATE SCHEMA IF NOT EXISTS {schema};
SET search_path = '{schema},main';

-- All rows, with several rows of an event that was written several times. DuckDB matches
-- the columns of files of several releases by name. The part without rows gives the view
-- all columns of this release, also while all files are older.
CREATE OR REPLACE VIEW {schema}.{raw} AS
{empty}
UNION ALL BY NAME
SELECT * FROM {files};

CREATE OR REPLACE VIEW {schema}.{table} AS
{once};

-- FROM {table}_between('2026-01-01', '2026-01-31') reads only the files of these
-- days, including the first and the last day.
CREATE OR REPLACE MACRO {schema}.{table}_between(first_day, last_day) AS TABLE
{once between};

`

// onceSQL selects each event once. Few events have a repeat, so the window sorts only the
// rows with a repeated hash of the key, and only their keys and ranks. A window over all
// rows instead would hold all columns of all rows in memory before the first row: 400 MiB
// for 200,000 events. The key tells events with equal hashes apart.
const onceSQL = `WITH stored AS NOT MATERIALIZED (
  SELECT * FROM {schema}.{raw}{days}
),
repeated AS MATERIALIZED (
  SELECT hash({key}) FROM stored GROUP BY ALL HAVING count(*) > 1
),
spare AS MATERIALIZED (
  SELECT filename AS spare_file, file_row_number AS spare_row
  FROM stored
  WHERE hash({key}) IN (FROM repeated)
  QUALIFY row_number() OVER (
    PARTITION BY {key}
    ORDER BY erased_at IS NULL, {version} DESC NULLS LAST, received_at
  ) > 1
)
SELECT * EXCLUDE ({version}, filename, file_row_number) REPLACE ({json})
FROM stored ANTI JOIN spare ON filename = spare_file AND file_row_number = spare_row`

// globEscape escapes the special characters of a glob pattern.
var globEscape = strings.NewReplacer("[", "[[]", "*", "[*]", "?", "[?]")

// Views returns SQL that creates the table of events and its views in a DuckDB
// session, with the names of every warehouse. The files are those of the folder dir,
// on which a sink must have been opened once.
func Views(dir string) string {
	var text strings.Builder
	text.WriteString(strings.NewReplacer(
		"{once}", strings.ReplaceAll(onceSQL, "{days}", ""),
		"{once between}", strings.ReplaceAll(onceSQL, "{days}", "\n  WHERE dt BETWEEN CAST(first_day AS DATE) AND CAST(last_day AS DATE)"),
	).Replace(eventsSQL))
	for _, c := range warehouse.Columns() {
		fmt.Fprintf(&text, "COMMENT ON COLUMN {schema}.{table}.%q IS %s;\n", c.Name, quote(c.About))
	}
	text.WriteString("\n" + notesSQL(dir))
	text.WriteString("\n" + strings.Join(duckdbsql.Views(duckdbsql.Store{Schema: "{schema}", Day: "dt", Fill: warehouse.HealthSQL}), "\n\n") + "\n")
	return strings.NewReplacer(
		"{schema}", warehouse.DefaultSchema,
		"{table}", warehouse.Events,
		"{raw}", duckdbsql.Raw,
		"{empty}", emptySQL(),
		"{json}", jsonSQL(),
		"{key}", strings.Join(keyColumns, ", "),
		"{version}", versionColumn,
		"{files}", "read_parquet("+quote(filesPattern(dir))+", hive_partitioning = true, hive_types = {'dt': DATE}, union_by_name = true, filename = true, file_row_number = true)",
	).Replace(text.String())
}

// types are DuckDB's types of the columns in a file.
var types = map[warehouse.Type]string{
	warehouse.Text: "VARCHAR", warehouse.Integer: "BIGINT", warehouse.Boolean: "BOOLEAN",
	warehouse.Timestamp: "TIMESTAMPTZ", warehouse.JSON: "VARCHAR", warehouse.Date: "DATE",
}

// emptySQL selects all columns of a file of this release, and no rows.
func emptySQL() string {
	return "SELECT " + nullsSQL(warehouse.Columns()) + ", NULL::BIGINT AS " + versionColumn + " WHERE false"
}

// nullsSQL lists NULL for each column, with the type of the column in a file.
func nullsSQL(columns []warehouse.Column) string {
	list := make([]string, len(columns))
	for i, c := range columns {
		list[i] = fmt.Sprintf("NULL::%s AS %q", types[c.Type], c.Name)
	}
	return strings.Join(list, ", ")
}

// jsonSQL lists the columns that are text in a file and JSON in the view.
func jsonSQL() string {
	var list []string
	for _, c := range warehouse.Columns() {
		if c.Type == warehouse.JSON {
			list = append(list, fmt.Sprintf("%s AS %s", duckdbsql.JSON(c.Name), c.Name))
		}
	}
	return strings.Join(list, ", ")
}

func quote(text string) string { return warehouse.DuckDBSQL.Literal(text) }
