package sqlcheck_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/test/sqlcheck"
)

// Each read of the table of events has bounds on the partitions, and none reads the payload.
func TestViewsReadSomeDays(t *testing.T) {
	t.Parallel()
	a, q := prepared(t), texts()
	for _, v := range warehouse.Views() {
		for _, name := range []string{v, v + warehouse.Between} {
			reads, err := a.Reads(q.inline(name))
			if err != nil || !slices.ContainsFunc(reads, func(r sqlcheck.Read) bool { return r.Table == raw }) {
				t.Errorf("%s reads %v, %v; want the table of events", name, reads, err)
			}
			for _, r := range reads {
				function := strings.HasSuffix(name, warehouse.Between)
				if r.Table == raw && (r.Before < 0 || function && r.After < 0 || slices.Contains(r.Columns, "payload")) {
					t.Errorf("%s reads %+v without bounds, or the payload", name, r)
				}
			}
		}
	}
}

// The reads of queries that are easy to judge.
func TestReads(t *testing.T) {
	t.Parallel()
	a := prepared(t)
	const since = " >= TIMESTAMP_SUB(CURRENT_TIMESTAMP(), INTERVAL 7 DAY)"
	for query, want := range map[string]sqlcheck.Read{
		"SELECT metric FROM raw":                             {Columns: []string{"metric"}, Before: -1, After: -1},
		"SELECT COUNT(*) FROM raw":                           {Before: -1, After: -1},
		"SELECT event_id FROM raw WHERE `timestamp`" + since: {Columns: []string{"event_id", "timestamp"}, Before: 7, After: -1},
		"SELECT 1 FROM raw WHERE metric = 'sent' AND (`timestamp`" + since + " OR `timestamp` IS NULL)": {Columns: []string{"metric", "timestamp"}, Before: 7, After: -1},
		"SELECT 1 FROM raw WHERE `timestamp`" + since + " OR metric IS NULL":                            {Columns: []string{"metric", "timestamp"}, Before: -1, After: -1},
		"SELECT 1 FROM raw WHERE `timestamp`" + since + " OR received_at IS NULL":                       {Columns: []string{"received_at", "timestamp"}, Before: -1, After: -1},
		"SELECT 1 FROM raw WHERE `timestamp`" + since + " OR `timestamp` < received_at":                 {Columns: []string{"received_at", "timestamp"}, Before: -1, After: -1},
		"SELECT 1 FROM raw WHERE received_at" + since:                                                   {Columns: []string{"received_at"}, Before: -1, After: -1},
		"SELECT 1 FROM raw WHERE `timestamp` >= TIMESTAMP_SUB(received_at, INTERVAL 7 DAY)":             {Columns: []string{"received_at", "timestamp"}, Before: -1, After: -1},
		"SELECT 1 FROM raw WHERE `timestamp` < TIMESTAMP(DATE_ADD(DATE '2026-11-01', INTERVAL 2 DAY))":  {Columns: []string{"timestamp"}, Before: -1, After: 2},
		"SELECT a FROM (SELECT MAX(href) AS a, MAX(subject) AS b FROM raw GROUP BY workspace)":          {Columns: []string{"href", "workspace"}, Before: -1, After: -1},
		"SELECT link_id + 1 FROM (SELECT link_id, LOWER(href) AS h FROM raw) WHERE link_id > 1":         {Columns: []string{"link_id"}, Before: -1, After: -1},
	} {
		want.Table = raw
		got, err := a.Reads(strings.ReplaceAll(query, "raw", "`"+raw+"`"))
		if err != nil || len(got) != 1 || got[0].Table != want.Table || !slices.Equal(got[0].Columns, want.Columns) || got[0].Before != want.Before || got[0].After != want.After {
			t.Errorf("%s reads %+v, %v; want %+v", query, got, err, want)
		}
	}
	if _, err := a.Reads("WITH r AS (SELECT 1 AS one) SELECT one FROM r"); err == nil {
		t.Error("Reads follows no WITH, and returns no error")
	}
}
