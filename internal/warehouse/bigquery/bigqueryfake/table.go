package bigqueryfake

import (
	"maps"
	"slices"
	"strings"
	"time"

	"cloud.google.com/go/bigquery/storage/apiv1/storagepb"
	"google.golang.org/api/bigquery/v2"
)

// A table is a table or a view. The Server's mutex guards all fields but location, which
// does not change.
type table struct {
	location string
	life

	meta *bigquery.Table  // replaced, never modified
	rows []map[string]any // appended to or replaced; a stored row is never modified
	len  int
	// version is the number of the Server's last change of the rows.
	version int
	// changed is the time of the last append.
	changed time.Time
	// streamed has the times of rows of insertAll, by their places in rows.
	streamed map[int]time.Time

	// The Write API uses schema until nextAt, and next from then on. Schemas are never
	// modified: a connection compares pointers to notice a new schema.
	schema *storagepb.TableSchema
	next   *storagepb.TableSchema
	nextAt time.Time
}

// schemaAt returns the schema that the Write API uses at a time.
func (t *table) schemaAt(now time.Time) *storagepb.TableSchema {
	if t.next != nil && !now.Before(t.nextAt) {
		t.schema, t.next = t.next, nil
	}
	return t.schema
}

// bufferLife is how long appended rows stay in the streaming buffer: up to 90 minutes
// (https://cloud.google.com/bigquery/docs/streaming-data-into-bigquery).
const bufferLife = 90 * time.Minute

// counted returns the REST resource with the number of rows. The streaming buffer is
// counted apart, and holds all rows until there was no append for bufferLife.
func (t *table) counted(now time.Time) *bigquery.Table {
	meta := *t.meta
	switch rows := uint64(t.len); { //nolint:gosec // a number of rows
	case meta.View != nil:
	case rows > 0 && now.Sub(t.changed) < bufferLife:
		meta.StreamingBuffer = &bigquery.Streamingbuffer{EstimatedRows: rows}
	default:
		meta.NumRows = rows
	}
	return &meta
}

// Table returns the REST resource of a table or view: its schema, partitioning,
// clustering and description, and the SQL of a view in View.Query. Callers must not
// change the resource. Table returns nil for a missing table.
func (s *Server) Table(project, dataset, name string) *bigquery.Table {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tables[tableName(project, dataset, name)]
	if t == nil {
		return nil
	}
	return t.meta
}

// Rows returns the rows of a table in the order of arrival, duplicates included. A row
// has a value for every column of the table: nil, string, int64, bool, or for a
// TIMESTAMP a time.Time in UTC. JSON is a string. Rows returns nil for a missing table.
func (s *Server) Rows(project, dataset, name string) []map[string]any {
	meta := s.Table(project, dataset, name)
	if meta == nil {
		return nil
	}
	rows, _ := s.Snapshot(project, dataset, name)
	out := make([]map[string]any, len(rows))
	for i, r := range rows {
		out[i] = maps.Clone(r)
		for _, f := range meta.Schema.Fields {
			out[i][f.Name] = r[f.Name]
		}
	}
	return out
}

// Snapshot returns the rows as Rows does, but without a copy of them, and without their
// NULLs: a copy of 300,000 rows takes 2 GB. Callers must not change the rows. The version
// tells whether the rows have changed between two calls: each change has a higher number.
func (s *Server) Snapshot(project, dataset, name string) (rows []map[string]any, version int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tables[tableName(project, dataset, name)]
	if t == nil {
		return nil, 0
	}
	return slices.Clip(t.rows), t.version
}

// touch notes that the rows of a table have changed. The caller holds the mutex.
func (s *Server) touch(t *table) {
	s.versions++
	t.version = s.versions
}

// Len returns the number of rows of a table, also with Config.Discard. A missing table
// has 0.
func (s *Server) Len(project, dataset, name string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tables[tableName(project, dataset, name)]
	if t == nil {
		return 0
	}
	return t.len
}

func tableName(project, dataset, name string) string {
	return strings.Join([]string{"projects", project, "datasets", dataset, "tables", name}, "/")
}
