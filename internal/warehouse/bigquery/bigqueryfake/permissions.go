package bigqueryfake

import (
	"net/http"
	"slices"
	"strings"

	"google.golang.org/api/bigquery/v2"
)

// testPermissions answers with the caller's part of the permissions: everything that no
// Denial takes away, and nothing on a missing table. Source:
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
	granted := slices.DeleteFunc(asked.Permissions, s.lacks)
	if s.tables[tableName(r.PathValue("project"), r.PathValue("dataset"), name)] == nil {
		granted = nil
	}
	return bigquery.TestIamPermissionsResponse{Permissions: granted}, nil
}
