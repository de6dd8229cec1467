package report

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// A Minute counts the events with a metric that arrived in the minute.
type Minute struct {
	Minute time.Time `json:"minute"`
	Metric string    `json:"metric"`
	Events int64     `json:"events"`
}

// lateness is the longest time between an event and its arrival: Customer.io tries a call
// for 7 days. BigQuery reads the days of the events only.
const lateness = 8 * 24 * time.Hour

// Minutes counts the events that arrived within the span before Config.Now, by minute and
// metric. Minutes without an event are not in the list.
func Minutes(ctx context.Context, cfg Config, span time.Duration) ([]Minute, error) {
	since := cmp.Or(cfg.Now, time.Now()).UTC().Add(-span).Truncate(time.Minute)
	d := dialects[cmp.Or(cfg.Dialect, warehouse.DuckDBSQL)]
	list := []Minute{}
	err := read(ctx, cfg.Reader, fmt.Sprintf(`SELECT %s AS minute, coalesce(metric, '') AS metric, count(*) AS events
FROM customerio_events
WHERE received_at >= %s AND (timestamp IS NULL OR timestamp >= %s)
GROUP BY 1, 2 ORDER BY 1, 2`, d.minute("received_at"), d.instant(since), d.instant(since.Add(-lateness))), &list)
	return list, err
}
