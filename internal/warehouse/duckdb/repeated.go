package duckdb

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// A message that the stream delivers again, for example in a replay, has the received_at of
// the stored row. The table has its rows in the order of received_at, apart from a few, so
// DuckDB finds a batch of such rows in one to three row groups. A search by event_id reads the
// row groups of all younger events when late events come all the time: 600 ms for 20 million
// rows.
//
// An insert that looks for repeated rows does so before the search by event_id. A repeated row
// that the first search misses costs the second search, and no more.
const (
	// repeatedShare is the share of rows, one in repeatedShare, from which on a batch is taken
	// for a repeated one.
	repeatedShare = 10
	// repeatsAhead is the number of inserts after a repeated batch that look for repeated rows
	// although the sink has no filter. Meanwhile other consumers write new rows, and each of
	// their inserts takes 1 to 2 ms longer.
	repeatsAhead = 16
)

// looksRepeated reports whether an insert of s.indexes should look for repeated rows. The
// filter, if any, does not deny the ids at the indexes perhaps.
func (s *Sink) looksRepeated(perhaps []int) bool {
	return len(perhaps) > 0 && len(perhaps)*repeatedShare >= len(s.indexes) && (s.file.known != nil || s.repeats > 0)
}

// notice notes whether an insert of n rows was of repeated rows.
func (s *Sink) notice(n, inserted int, err error) {
	switch {
	case err == nil && (n-inserted)*repeatedShare >= n:
		s.repeats = repeatsAhead
	case s.repeats > 0:
		s.repeats--
	}
}

// repeatedRows returns the rows at the indexes whose key and received_at the table has.
func (s *Sink) repeatedRows(ctx context.Context, indexes []int) (map[int]bool, error) {
	s.parts = partsOf(s.rows, indexes, receivedTime)
	stored, err := s.file.conn.QueryContext(ctx, s.parts.repeatedSQL())
	if err != nil {
		return nil, fmt.Errorf("look for repeated rows: %w", err)
	}
	defer stored.Close()
	byKey := make(map[warehouse.Key]int, len(indexes))
	for _, i := range indexes {
		byKey[s.rows[i].Key()] = i
	}
	repeated := make(map[int]bool, len(indexes))
	for stored.Next() {
		var key warehouse.Key
		var metric sql.NullString
		if err := stored.Scan(&key.Workspace, &key.EventID, &metric); err != nil {
			return nil, fmt.Errorf("read repeated rows: %w", err)
		}
		key.Metric = metric.String
		if i, ok := byKey[key]; ok && metric.Valid == (metric.String != "") {
			repeated[i] = true
		}
	}
	if err := stored.Err(); err != nil {
		return nil, fmt.Errorf("read repeated rows: %w", err)
	}
	return repeated, nil
}

// without returns the indexes that are not among the removed ones.
func without(indexes []int, removed map[int]bool) []int {
	return slices.DeleteFunc(slices.Clone(indexes), func(i int) bool { return removed[i] })
}
