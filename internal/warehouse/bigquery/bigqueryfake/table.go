package bigqueryfake

import (
	"maps"
	"strings"
	"time"

	"cloud.google.com/go/bigquery/storage/apiv1/storagepb"
	"google.golang.org/api/bigquery/v2"
)

// A table is a table or a view. The Server's mutex guards what changes.
type table struct {
	location string // does not change

	meta *bigquery.Table // replaced, never changed
	rows []map[string]any
	len  int

	// The Write API goes by schema until nextAt, when next takes its place. A
	// schema is never changed, so that a connection knows by the pointer whether
	// it has seen it.
	schema *storagepb.TableSchema
	next   *storagepb.TableSchema
	nextAt time.Time
}

// setSchema makes the Write API go by a schema from a time on.
func (t *table) setSchema(schema *bigquery.TableSchema, from time.Time) {
	t.next, t.nextAt = storageSchema(schema), from
}

// schemaAt is the schema that the Write API goes by.
func (t *table) schemaAt(now time.Time) *storagepb.TableSchema {
	if t.next != nil && !now.Before(t.nextAt) {
		t.schema, t.next = t.next, nil
	}
	return t.schema
}

// Table returns a table or view as the REST calls show it: its schema,
// partitioning, clustering, description, or in View.Query the SQL. It is nil
// when there is none.
func (s *Server) Table(project, dataset, name string) *bigquery.Table {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tables[tableName(project, dataset, name)]
	if t == nil {
		return nil
	}
	meta := *t.meta
	return &meta
}

// Rows returns a table's rows in the order of their arrival, duplicates
// included. A row has every column of the table: nil, string, int64, bool, or
// for a TIMESTAMP a time.Time in UTC. JSON is a string.
func (s *Server) Rows(project, dataset, name string) []map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tables[tableName(project, dataset, name)]
	if t == nil {
		return nil
	}
	out := make([]map[string]any, len(t.rows))
	for i, r := range t.rows {
		out[i] = maps.Clone(r)
		for _, f := range t.meta.Schema.Fields {
			out[i][f.Name] = r[f.Name]
		}
	}
	return out
}

// Len returns how many rows a table has, also with Config.Discard.
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
