package bigquery_test

import (
	"strings"
	"testing"

	"github.com/cioevents/cioevents/internal/fault"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery/bigqueryfake"
)

// A role helps in one of these cases only.
func TestKindsOfDenial(t *testing.T) {
	t.Parallel()
	const role = "roles/bigquery.dataEditor"
	for name, c := range map[string]struct {
		denial *bigqueryfake.Denial
		want   string
	}{
		"no billing":       {bigqueryfake.NoBilling, "gcloud billing projects link"},
		"billing disabled": {bigqueryfake.BillingDisabled, "gcloud billing projects link"},
		"API disabled":     {bigqueryfake.APIDisabled, "gcloud services enable bigquery.googleapis.com bigquerystorage.googleapis.com"},
		"perimeter":        {bigqueryfake.OutsidePerimeter, "VPC Service Controls refuse the account"},
		"no role":          {bigqueryfake.NoRole, role},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t, bigqueryfake.Config{})
			opened := open(t, p.config())
			p.Deny(c.denial)
			_, written := opened.Write(t.Context(), rows(t, 0, 1))
			errs := []error{written}
			if c.denial != bigqueryfake.NoBilling { // a project without billing may have tables
				errs = append(errs, newSink(t, p.config()).Open(t.Context()))
			}
			for _, err := range errs {
				if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), role) != (c.want == role) {
					t.Errorf("error is %v; want advice with %q alone", err, c.want)
				}
				if _, permanent := fault.PermanentReason(err); permanent {
					t.Error("the error is permanent")
				}
			}
		})
	}
}

// A connection that is open when the denial begins says the same.
func TestDenialOfAnOpenConnection(t *testing.T) {
	t.Parallel()
	p := start(t, bigqueryfake.Config{})
	sink := open(t, p.config())
	batch := rows(t, 0, 2)
	write(t, sink, batch[:1])
	p.Deny(bigqueryfake.APIDisabled)
	if _, err := sink.Write(t.Context(), batch[1:]); err == nil || !strings.Contains(err.Error(), "gcloud services enable") {
		t.Errorf("error is %v; want the disabled API", err)
	}
	p.Deny(nil)
	write(t, sink, batch[1:])
	wantRows(t, p, batch)
}
