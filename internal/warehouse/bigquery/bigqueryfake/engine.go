package bigqueryfake

import (
	"context"
	"encoding/json"

	"google.golang.org/api/bigquery/v2"
)

// An Engine runs the statements of query jobs. The Server keeps the jobs and the rows of
// tables, and has no SQL of its own. An engine of another dialect proves the client and
// the protocol, and nothing about GoogleSQL: check the text of a statement elsewhere.
type Engine interface {
	// Plan resolves the names of a statement and runs nothing. The error is a
	// MissingTableError, or a mistake in the statement.
	Plan(ctx context.Context, q Query) (Plan, error)
	// Run runs a statement that Plan has accepted as a SELECT or a MERGE; a Changer runs
	// others. The end of ctx cancels the job.
	Run(ctx context.Context, q Query) (*Result, error)
}

// A Query is the statement of a job. Names without a dataset belong to Dataset.
type Query struct {
	Server                *Server // has the tables and their rows
	Project, Dataset, SQL string
}

// A Plan is what a dry run knows about a statement.
type Plan struct {
	// StatementType is SELECT, INSERT, SCRIPT or another type of
	// https://cloud.google.com/bigquery/docs/reference/rest/v2/Job#JobStatistics2.
	StatementType string
	// Reads has the columns that the statement reads, by the names of the dataset's tables.
	Reads map[string][]string
}

// A Result has the rows of a job. A value is nil, string, int64, float64, bool, time.Time,
// json.RawMessage, json.Number, []any or, for a RECORD, map[string]any.
type Result struct {
	Fields []*bigquery.TableFieldSchema
	Rows   [][]any
	// Merged is the result of a MERGE, which has no rows.
	Merged *Merged
}

// A Merged has the rows of a table after a MERGE, in the form of Server.Rows.
type Merged struct {
	Table             string
	Rows              []map[string]any
	Inserted, Deleted int64
}

// A MissingTableError reports a table or a view that the dataset does not have.
type MissingTableError struct{ Name string }

func (e *MissingTableError) Error() string { return "no table " + e.Name }

// bytesRead returns the bytes that BigQuery processes for the columns: all values of a
// column, however few rows the statement selects. Unlike BigQuery, bytesRead counts the
// partitions and blocks, too, that a condition excludes.
func (s *Server) bytesRead(q Query, p Plan) (total int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, columns := range p.Reads {
		t := s.tables[tableName(q.Project, q.Dataset, name)]
		if t == nil {
			continue
		}
		for _, row := range t.rows {
			for _, c := range columns {
				total += size(row[c])
			}
		}
	}
	return total
}

// size returns the logical bytes of a value
// (https://cloud.google.com/bigquery/docs/reference/standard-sql/data-types#data_type_sizes).
func size(value any) int64 {
	switch v := value.(type) {
	case nil:
		return 0
	case string:
		return 2 + int64(len(v))
	case json.RawMessage:
		return 2 + int64(len(v))
	case bool:
		return 1
	default: // INT64, FLOAT64, TIMESTAMP
		return 8
	}
}

// billed returns the bytes that BigQuery bills for the columns: 10 MB for each table and
// for each query at least, and whole megabytes
// (https://cloud.google.com/bigquery/pricing#on_demand_pricing).
func billed(processed int64, tables int) int64 {
	const megabyte = 1 << 20
	least := int64(max(tables, 1)) * 10 * megabyte
	return max(least, (processed+megabyte-1)/megabyte*megabyte)
}
