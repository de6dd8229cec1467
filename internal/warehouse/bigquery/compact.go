package bigquery

import (
	"strings"
	"time"

	_ "embed"
)

//go:embed compact.sql
var compactSQL string

// CompactDay returns the script that removes repeated rows of a day (UTC) from the
// table. The script is optional, because the view hides repeated rows. After a large
// replay the script saves storage, and work of the view. It reads the key of each row
// of the day, and rewrites the day only if a key repeats. Run the script while nothing
// writes rows of the day.
//
// Scripts that releases before 0.1.0 printed compare fewer columns: such a script
// deletes the second metric of an event_id.
func CompactDay(project, dataset string, day time.Time) string {
	day = day.UTC()
	return strings.NewReplacer(
		"{table}", quote(project, dataset, Raw),
		"{from}", "TIMESTAMP '"+day.Format(time.DateOnly)+"'",
		"{to}", "TIMESTAMP '"+day.AddDate(0, 0, 1).Format(time.DateOnly)+"'",
		"{key}", keyColumns,
		"{oneOfEach}", oneOfEach,
	).Replace(compactSQL)
}
