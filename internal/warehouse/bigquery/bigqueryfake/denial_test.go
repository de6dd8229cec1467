package bigqueryfake_test

import (
	"net/http"
	"testing"

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
