package bigqueryfake

import (
	"net/http"
	"slices"
	"strings"

	"google.golang.org/api/bigquery/v2"
)

// testPermissions answers which of the permissions the caller has: all of them, except those
// that a Denial of the Write API takes away, and none on a missing table. Source:
// https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/tables/testIamPermissions
func (s *Server) testPermissions(r *http.Request) (any, error) {
	name, ok := strings.CutSuffix(r.PathValue("table"), ":testIamPermissions")
	if !ok {
		return nil, &restError{http.StatusNotImplemented, "notImplemented", "bigqueryfake has no " + r.Method + " " + r.URL.Path}
	}
	var asked bigquery.TestIamPermissionsRequest
	if err := decode(r, &asked); err != nil {
		return nil, err
	}
	granted := asked.Permissions
	if s.denial != nil && s.denial.text != "" {
		granted = slices.DeleteFunc(granted, func(p string) bool { return strings.HasPrefix(p, "bigquery.tables.update") })
	}
	if s.tables[tableName(r.PathValue("project"), r.PathValue("dataset"), name)] == nil {
		granted = nil
	}
	return bigquery.TestIamPermissionsResponse{Permissions: granted}, nil
}
