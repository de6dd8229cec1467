package bigquery

import (
	_ "embed"
	"strings"
	"time"
)

//go:embed compact.sql
var compactSQL string

// CompactDay returns the script that removes repeated rows of a day (UTC) from the
// table. The script is optional, because the view hides repeated rows. After a large
// replay the script saves storage, and work of the view. It reads the key of each row
// of the day, and rewrites the day only if a key repeats. Run the script while nothing
// writes rows of the day.
//
// A statement that the first release printed must not run any more: it does not compare
// metrics, and deletes the second metric of an event_id.
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
