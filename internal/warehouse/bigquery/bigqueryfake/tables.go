package bigqueryfake

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"

	"google.golang.org/api/bigquery/v2"
)

func (s *Server) insertTable(r *http.Request) (any, error) {
	meta := &bigquery.Table{}
	if err := decode(r, meta); err != nil {
		return nil, err
	}
	if meta.TableReference == nil {
		return nil, invalid("Required parameter is missing: tableReference")
	}
	project, dataset, name := r.PathValue("project"), r.PathValue("dataset"), meta.TableReference.TableId
	d := s.datasets[project+":"+dataset]
	if d == nil {
		return nil, notFound("Dataset", project+":"+dataset)
	}
	meta.Kind, meta.Type, meta.Location, meta.Etag = "bigquery#table", "TABLE", d.Location, s.etag()
	meta.Id = project + ":" + dataset + "." + name
	if meta.View != nil {
		meta.Type = "VIEW"
	}
	key := tableName(project, dataset, name)
	if s.tables[key] != nil {
		return nil, alreadyExists("Table", meta.Id)
	}
	if err := checkLabels(meta.Labels); err != nil {
		return nil, err
	}
	now := s.cfg.Now()
	meta.CreationTime = now.UnixMilli()
	t := &table{location: d.Location, meta: meta, life: life{knownFrom: now.Add(s.cfg.TableLag)}}
	if err := s.changeSchema(t, nil, meta.Schema); err != nil {
		return nil, err
	}
	s.tables[key] = t
	return meta, nil
}

func (s *Server) getTable(r *http.Request) (any, error) {
	t, err := s.find(r)
	if err != nil {
		return nil, err
	}
	return t.counted(s.cfg.Now()), nil
}

// listTables returns the names of the dataset's tables and views in one page.
func (s *Server) listTables(r *http.Request) (any, error) {
	project, dataset := r.PathValue("project"), r.PathValue("dataset")
	if s.datasets[project+":"+dataset] == nil {
		return nil, notFound("Dataset", project+":"+dataset)
	}
	list := &bigquery.TableList{Kind: "bigquery#tableList"}
	prefix := tableName(project, dataset, "")
	for _, key := range slices.Sorted(maps.Keys(s.tables)) {
		if meta := s.tables[key].meta; strings.HasPrefix(key, prefix) {
			list.Tables = append(list.Tables, &bigquery.TableListTables{Id: meta.Id, TableReference: meta.TableReference, Type: meta.Type})
		}
	}
	return list, nil
}

// patchTable replaces each top-level field of the resource that the body contains.
// Labels are merged.
func (s *Server) patchTable(r *http.Request) (any, error) {
	t, err := s.find(r)
	if err != nil {
		return nil, err
	}
	if s.lacks(updatePermission) {
		return nil, &restError{http.StatusForbidden, "accessDenied", "Access Denied: Table " + t.meta.Id + ": Permission " + updatePermission + " denied on table " + t.meta.Id + " (or it may not exist)."}
	}
	if m := r.Header.Get("If-Match"); m != "" && m != "*" && m != t.meta.Etag {
		return nil, &restError{http.StatusPreconditionFailed, "conditionNotMet", "Precondition Failed"}
	}
	meta, err := patched(t.meta, r)
	if err != nil {
		return nil, err
	}
	if err := s.changeSchema(t, t.meta.Schema, meta.Schema); err != nil {
		return nil, err
	}
	meta.Etag = s.etag()
	t.meta = meta
	return meta, nil
}

func (s *Server) find(r *http.Request) (*table, error) {
	project, dataset, name := r.PathValue("project"), r.PathValue("dataset"), r.PathValue("table")
	t := s.tables[tableName(project, dataset, name)]
	if t == nil {
		return nil, notFound("Table", project+":"+dataset+"."+name)
	}
	return t, nil
}

// patched returns a copy of old with the fields of the body. Decoding the body into a
// copy of old would be shorter, but encoding/json would merge the old and the new
// fields of a schema.
func patched(old *bigquery.Table, r *http.Request) (*bigquery.Table, error) {
	var fields, patch map[string]json.RawMessage
	if err := decode(r, &patch); err != nil {
		return nil, err
	}
	b, err := json.Marshal(old)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(b, &fields); err != nil {
		return nil, err
	}
	maps.Copy(fields, patch)
	if changes, ok := patch["labels"]; ok {
		if fields["labels"], err = mergedLabels(old.Labels, changes); err != nil {
			return nil, err
		}
	}
	if b, err = json.Marshal(fields); err != nil {
		return nil, err
	}
	meta := &bigquery.Table{}
	if err := json.Unmarshal(b, meta); err != nil {
		return nil, invalid(err.Error())
	}
	return meta, nil
}
