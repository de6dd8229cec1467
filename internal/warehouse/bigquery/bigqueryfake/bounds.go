package bigqueryfake

import (
	"fmt"
	"time"
)

// bounds are the partitions that accept rows: 10 years in the past to a year in the
// future (https://cloud.google.com/bigquery/docs/streaming-data-into-bigquery,
// "Time-unit column partitioning"). Some answers of BigQuery name 1,825 days in the past
// (https://github.com/mozilla/gcp-ingestion/pull/2721); the page is newer.
type bounds struct {
	column string // "" for a table without partitions
	now    func() time.Time
}

func (s *Server) boundsOf(t *table) bounds {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := t.meta.TimePartitioning; p != nil {
		return bounds{p.Field, s.cfg.Now}
	}
	return bounds{}
}

// check returns an error for a value without a partition.
func (b bounds) check(column string, value any) error {
	at, ok := value.(time.Time)
	if !ok || b.column == "" || column != b.column {
		return nil
	}
	now := b.now()
	if at.Before(now.AddDate(-10, 0, 0)) || at.After(now.AddDate(1, 0, 0)) {
		return fmt.Errorf("value %d is outside the allowed bounds. You can only stream to date range within 3650 days in the past and 366 days in the future relative to the current date", at.UnixMicro())
	}
	return nil
}
