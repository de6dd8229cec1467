package bigquery

import (
	"strings"
	"time"

	_ "embed"
)

//go:embed compact.sql
var compactSQL string

// CompactDay returns the statement that removes repeated rows of a day (UTC) from the
// table. The statement is optional, because the view hides repeated rows. After a large
// replay the statement saves storage, and work of the view. It reads the day
// once. Run the statement while nothing
// writes rows of the day.
//
// Scripts that releases before 0.1.0 printed compare fewer columns: such a statement
// deletes the second metric of an event_id.
func CompactDay(project, dataset string, day time.Time) string {
	day = day.UTC()
	return strings.NewReplacer(
		"{table}", quote(project, dataset, Raw),
		"{from}", "TIMESTAMP '"+day.Format(time.DateOnly)+"'",
		"{to}", "TIMESTAMP '"+day.AddDate(0, 0, 1).Format(time.DateOnly)+"'",
		"{oneOfEach}", oneOfEach,
	).Replace(compactSQL)
}
