package bigqueryfake

import (
	"net/http"
	"time"
)

// The Write API learns late what happens to a table, "within minutes"
// (https://cloud.google.com/bigquery/docs/troubleshoot-storage-api, "Metadata errors for
// streaming inserts"). Until then:
//
//   - A new table is unknown. Appends fail with NOT_FOUND.
//   - A deleted table still accepts rows, also if a new table has its name. A report saw
//     rows vanish for 12 s, then errors until a minute after the recreation
//     (https://github.com/googleapis/google-cloud-python/issues/3822).
//   - Rows for a truncated table vanish.
//
// The REST calls know at once. A connection to the deleted table ends when the Write API
// knows the new table (https://github.com/supabase/etl/pull/862).

// A life has the times of a table in the eyes of the Write API.
type life struct {
	knownFrom time.Time // after the creation
	goneFrom  time.Time // after the deletion
	dropUntil time.Time // after a truncation
}

// served returns the table that the Write API knows by the name, or nil. The caller
// holds the mutex.
func (s *Server) served(name string) *table {
	now := s.cfg.Now()
	if t := s.tables[name]; t != nil && !now.Before(t.knownFrom) {
		return t
	}
	if t := s.deleted[name]; t != nil && now.Before(t.goneFrom) {
		return t
	}
	return nil
}

func (s *Server) deleteTable(r *http.Request) (any, error) {
	t, err := s.find(r)
	if err != nil {
		return nil, err
	}
	name := tableName(r.PathValue("project"), r.PathValue("dataset"), r.PathValue("table"))
	t.goneFrom = s.cfg.Now().Add(s.cfg.TableLag)
	s.deleted[name] = t
	delete(s.tables, name)
	return struct{}{}, nil
}

// Truncate removes the rows of a table, as a query job with WRITE_TRUNCATE does. The
// time of creation stays.
func (s *Server) Truncate(project, dataset, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.tables[tableName(project, dataset, name)]; t != nil {
		t.rows, t.streamed, t.len, t.dropUntil = nil, nil, 0, s.cfg.Now().Add(s.cfg.TableLag)
		s.touch(t)
	}
}
