package bigqueryfake_test

import (
	"net/http"
	"testing"

	"cloud.google.com/go/bigquery"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/cioevents/cioevents/internal/warehouse/bigquery/bigqueryfake"
)

func TestDeny(t *testing.T) {
	t.Parallel()
	e := start(t, bigqueryfake.Config{})
	for name, d := range map[string]*bigqueryfake.Denial{
		"no billing": bigqueryfake.NoBilling, "billing disabled": bigqueryfake.BillingDisabled, "API disabled": bigqueryfake.APIDisabled,
		"outside of the perimeter": bigqueryfake.OutsidePerimeter, "no role": bigqueryfake.NoRole,
	} {
		e.server.Deny(d)
		if a := e.send(t, batch(1)); status.Code(a.err) != codes.PermissionDenied {
			t.Errorf("%s: an append: got %v, want PERMISSION_DENIED", name, a.err)
		}
		want := http.StatusForbidden
		if d == bigqueryfake.NoBilling { // a project without billing may have tables
			want = 0
		}
		if _, err := e.table().Metadata(t.Context()); httpCode(err) != want {
			t.Errorf("%s: a REST call: got %v, want %d", name, err, want)
		}
	}
	e.server.Deny(nil)
	if a := e.send(t, batch(1)); a.err != nil || e.len() != 1 {
		t.Errorf("after the denials: %v, %d rows", a.err, e.len())
	}
}

// A denial takes permissions away, and a missing table has none.
func TestPermissions(t *testing.T) {
	t.Parallel()
	e := start(t, bigqueryfake.Config{})
	asked := []string{"bigquery.tables.getData", "bigquery.tables.updateData", "bigquery.tables.update"}
	for _, c := range []struct {
		denial *bigqueryfake.Denial
		table  string
		want   int // number of permissions
		update int // status of a patch
	}{
		{nil, e.table().TableID, 3, 0}, {bigqueryfake.NoUpdating, e.table().TableID, 2, 403}, {bigqueryfake.NoWriting, e.table().TableID, 1, 403}, {nil, "missing", 0, 404},
	} {
		e.server.Deny(c.denial)
		table := e.client.Dataset("d").Table(c.table)
		granted, err := table.IAM().TestPermissions(t.Context(), asked)
		if err != nil || !cmp.Equal(asked[:c.want], granted, cmpopts.EquateEmpty()) {
			t.Errorf("%s: %v, %v", c.table, granted, err)
		}
		if _, err := table.Update(t.Context(), bigquery.TableMetadataToUpdate{Description: "new"}, ""); httpCode(err) != c.update {
			t.Errorf("%s: update: %v, want %d", c.table, err, c.update)
		}
	}
}
