package parquet

import (
	"context"
	"time"

	pq "github.com/parquet-go/parquet-go"

	"github.com/cioevents/cioevents/internal/privacy"
	"github.com/cioevents/cioevents/internal/warehouse"
)

// A Rewriting configures Rewrite. Dir and Change are required.
type Rewriting struct {
	// Dir is the folder of the warehouse.
	Dir string
	// Grace is the time for which replaced files stay: see People.
	Grace time.Duration
	// Change may change the Personal columns and the payload (Raw) of a row, and reports
	// whether it has. Of the other columns the row has workspace, event_id, metric,
	// object_type, timestamp, recipient_domain, mailbox_provider, bounce_class and
	// erased_at. Rewrite calls Change several times with the same row.
	Change func(*warehouse.Row) bool
	// Progress is called after each day with the number of days that are done. Default nil.
	Progress func(done, total int64)
}

// Rewrite changes rows as Erase does: the old values are gone from the folder. Rewrite
// counts the rows of files: an event may have several.
func Rewrite(ctx context.Context, w Rewriting) (privacy.Erased, error) {
	reader := merge{buffer: make([]pq.Value, chunkRows)}
	var erased privacy.Erased
	err := revise(ctx, w.Dir, w.Grace, revision{progress: w.Progress, changes: func(g group) (map[int]*warehouse.Row, error) {
		all := make([]int, g.rows)
		for i := range all {
			all[i] = i
		}
		rows, err := readRows(&reader, g, all)
		changed := map[int]*warehouse.Row{}
		for i := range rows {
			if w.Change(&rows[i]) {
				changed[i] = &rows[i]
			}
		}
		return changed, err
	}, count: func(n int) { erased.Events += int64(n) }})
	return erased, err
}
