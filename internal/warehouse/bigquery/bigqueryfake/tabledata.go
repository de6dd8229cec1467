package bigqueryfake

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"google.golang.org/api/bigquery/v2"
)

// insertAll stores rows as tabledata.insertAll does
// (https://cloud.google.com/bigquery/docs/reference/rest/v2/tabledata/insertAll): one bad
// row refuses the whole request, and the other rows have the reason "stopped". BigQuery
// drops repeats of an insertId on a best effort; the fake stores them. Until the table is
// known, the answer is 404; after a recreation, the rows may vanish: see lifecycle.go.
func (s *Server) insertAll(r *http.Request) (any, error) {
	request := &bigquery.TableDataInsertAllRequest{}
	if err := decode(r, request); err != nil {
		return nil, err
	}
	meta, err := s.find(r)
	if err != nil {
		return nil, err
	}
	t := s.served(tableName(r.PathValue("project"), r.PathValue("dataset"), r.PathValue("table")))
	if t == nil {
		return nil, notFound("Table", meta.meta.Id)
	}
	if t.meta.Schema == nil {
		return nil, invalid("Cannot add rows to a view")
	}
	rows, refused := s.readRows(t, request.Rows)
	if len(refused) > 0 {
		return &bigquery.TableDataInsertAllResponse{Kind: "bigquery#tableDataInsertAllResponse", InsertErrors: refused}, nil
	}
	if now := s.cfg.Now(); !now.Before(t.dropUntil) {
		t.stream(len(rows), now)
		t.rows, t.len, t.changed = append(t.rows, rows...), t.len+len(rows), now
		s.touch(t)
	}
	return &bigquery.TableDataInsertAllResponse{Kind: "bigquery#tableDataInsertAllResponse"}, nil
}

// stream notes the time of the next n rows.
func (t *table) stream(n int, now time.Time) {
	if t.streamed == nil {
		t.streamed = map[int]time.Time{}
	}
	for i := range n {
		t.streamed[len(t.rows)+i] = now
	}
}

// readRows returns the decoded rows, or an error for every row of the request.
func (s *Server) readRows(t *table, list []*bigquery.TableDataInsertAllRequestRows) ([]map[string]any, []*bigquery.TableDataInsertAllResponseInsertErrors) {
	rows := make([]map[string]any, len(list))
	refused := make([]*bigquery.TableDataInsertAllResponseInsertErrors, len(list))
	bad := false
	for i, item := range list {
		row, err := readRow(t.meta.Schema, item.Json)
		problem := &bigquery.ErrorProto{Reason: "stopped"}
		if err != nil {
			bad, problem = true, &bigquery.ErrorProto{Reason: "invalid", Message: err.Error()}
		}
		rows[i], refused[i] = row, &bigquery.TableDataInsertAllResponseInsertErrors{Index: int64(i), Errors: []*bigquery.ErrorProto{problem}}
	}
	if !bad {
		return rows, nil
	}
	return nil, refused
}

func readRow(schema *bigquery.TableSchema, values map[string]bigquery.JsonValue) (map[string]any, error) {
	row := map[string]any{}
	for _, f := range schema.Fields {
		v, err := readValue(f, values[f.Name])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
		if v != nil {
			row[f.Name] = v
		}
	}
	for name := range values {
		if !slices.ContainsFunc(schema.Fields, func(f *bigquery.TableFieldSchema) bool { return f.Name == name }) {
			return nil, errors.New("no such field: " + name)
		}
	}
	return row, nil
}

// readValue accepts the JSON type of the column, or a text with the value.
func readValue(f *bigquery.TableFieldSchema, v bigquery.JsonValue) (any, error) {
	content := fmt.Sprint(v)
	if number, ok := v.(float64); ok {
		content = strconv.FormatFloat(number, 'f', -1, 64)
	}
	switch {
	case v == nil && f.Mode == "REQUIRED":
		return nil, errors.New("missing required field")
	case v == nil:
		return nil, nil
	}
	switch f.Type {
	case "INTEGER", "INT64":
		return strconv.ParseInt(content, 10, 64)
	case "BOOLEAN", "BOOL":
		return strconv.ParseBool(content)
	case "TIMESTAMP":
		at, err := time.Parse(time.RFC3339Nano, content)
		return at.UTC().Truncate(time.Microsecond), err
	case "JSON":
		return content, checkJSON(content)
	default:
		if _, ok := v.(string); !ok {
			return nil, errors.New("cannot convert value to string")
		}
		return text(content)
	}
}

// maxListed is the largest number of rows of a page. BigQuery's pages are larger.
const maxListed = 1000

// listRows lists rows as tabledata.list does
// (https://cloud.google.com/bigquery/docs/reference/rest/v2/tabledata/list), in the order
// of arrival.
func (s *Server) listRows(r *http.Request) (any, error) {
	t, err := s.find(r)
	if err != nil {
		return nil, err
	}
	if t.meta.Schema == nil {
		return nil, invalid("Cannot list a table of type VIEW.")
	}
	start, _ := strconv.Atoi(r.FormValue("startIndex"))
	if token := r.FormValue("pageToken"); token != "" {
		if start, err = strconv.Atoi(token); err != nil {
			return nil, invalid("Invalid page token")
		}
	}
	start = min(max(start, 0), len(t.rows))
	end := min(start+maxListed, len(t.rows))
	out := map[string]any{"kind": "bigquery#tableDataList", "totalRows": strconv.Itoa(len(t.rows))}
	fields, micros := t.meta.Schema.Fields, r.FormValue("formatOptions.useInt64Timestamp") == "true"
	list := make([]*bigquery.TableRow, 0, end-start)
	for _, row := range t.rows[start:end] {
		values := make([]any, len(fields))
		for i, f := range fields {
			values[i] = row[f.Name]
		}
		list = append(list, &bigquery.TableRow{F: cells(fields, values, micros)})
	}
	if end < len(t.rows) {
		out["pageToken"] = strconv.Itoa(end)
	}
	out["rows"] = list
	return out, nil
}
