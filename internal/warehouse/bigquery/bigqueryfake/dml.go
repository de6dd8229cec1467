package bigqueryfake

import (
	"context"
	"fmt"
	"maps"
	"time"

	"google.golang.org/api/bigquery/v2"
)

// A Changer is an Engine that also runs UPDATE and DELETE.
type Changer interface {
	// Change returns the rows that the statement changes, by their places in Server.Rows:
	// the new values, or nil for a deleted row. The Server changes the rows.
	Change(ctx context.Context, q Query) (table string, rows map[int]map[string]any, err error)
}

// isDML reports whether a plan is of a statement that a Changer runs.
func isDML(p Plan) bool { return p.StatementType == "UPDATE" || p.StatementType == "DELETE" }

// change runs the statement of a job and changes the rows of the table. Rows that arrive
// meanwhile stay as they are.
func (s *Server) change(ctx context.Context, j *job) (*Result, error) {
	changer, ok := s.cfg.Engine.(Changer)
	if !ok {
		return nil, fmt.Errorf("the engine runs no %s", j.plan.StatementType)
	}
	s.mu.Lock()
	before := s.changes
	s.mu.Unlock()
	name, rows, err := changer.Change(ctx, j.query)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tables[tableName(j.query.Project, j.query.Dataset, name)]
	if t == nil {
		return nil, fmt.Errorf("no table %s", name)
	}
	if err := s.refuseChange(t, before, rows); err != nil {
		return nil, err
	}
	if len(rows) > 0 {
		s.changes++
	}
	j.changed = int64(len(rows))
	t.change(rows)
	s.touch(t)
	return &Result{}, nil
}

// streamed is how long rows of insertAll cannot be changed
// (https://cloud.google.com/bigquery/docs/data-manipulation-language#limitations). Rows of
// the Write API can be.
const streamed = 30 * time.Minute

// mostPartitions is the number of partitions that a job may modify
// (https://cloud.google.com/bigquery/quotas#partitioned_tables).
const mostPartitions = 4000

// refuseChange returns BigQuery's refusal of a change. before is the number of changes when
// the statement began: BigQuery refuses a statement if another one has changed the same
// partition meanwhile. The caller holds the mutex.
//
// The texts are those of https://github.com/googleapis/google-cloud-java/issues/3344,
// https://github.com/dbt-labs/dbt-bigquery/issues/38 and
// https://github.com/dbt-labs/dbt-core/issues/1164.
func (s *Server) refuseChange(t *table, before int, rows map[int]map[string]any) error {
	days := map[string]bool{}
	for place := range rows {
		if at := t.streamed[place]; !at.IsZero() && s.cfg.Now().Sub(at) < streamed {
			return fmt.Errorf("UPDATE or DELETE statement over table %s would affect rows in the streaming buffer, which is not supported", t.meta.Id)
		}
		if p := t.meta.TimePartitioning; p != nil {
			at, _ := t.rows[place][p.Field].(time.Time)
			days[at.Format(time.DateOnly)] = true
		}
	}
	switch {
	case len(days) > mostPartitions:
		return fmt.Errorf("Too many partitions produced by query, allowed %d, query produces at least %d partitions", mostPartitions, len(days)) //nolint:staticcheck // BigQuery's words
	case len(rows) > 0 && s.changes != before:
		return fmt.Errorf("Could not serialize access to table %s due to concurrent update", t.meta.Id) //nolint:staticcheck // BigQuery's words
	}
	return nil
}

// change replaces and removes rows.
func (t *table) change(rows map[int]map[string]any) {
	var kept []map[string]any
	arrived := map[int]time.Time{}
	for i, row := range t.rows {
		values, changed := rows[i]
		if changed && values == nil {
			continue
		}
		if at, ok := t.streamed[i]; ok {
			arrived[len(kept)] = at
		}
		if changed {
			row = maps.Clone(values)
			maps.DeleteFunc(row, func(_ string, v any) bool { return v == nil })
		}
		kept = append(kept, row)
	}
	t.rows, t.len, t.streamed = kept, len(kept), arrived
}

// dmlStatistics adds the numbers of changed rows
// (https://cloud.google.com/bigquery/docs/reference/rest/v2/Job#DmlStats).
func (j *job) dmlStatistics(s *bigquery.JobStatistics) {
	if !isDML(j.plan) || !j.ended() || j.failed != nil {
		return
	}
	s.Query.NumDmlAffectedRows = j.changed
	s.Query.DmlStats = &bigquery.DmlStatistics{}
	if j.plan.StatementType == "DELETE" {
		s.Query.DmlStats.DeletedRowCount = j.changed
	} else {
		s.Query.DmlStats.UpdatedRowCount = j.changed
	}
}
