package workerapp_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/app/workerapp"
	"github.com/cioevents/cioevents/internal/audit"
)

// A worker that fills a warehouse tells Prometheus the result of the last recorded audit of
// each workspace, and 0 before any.
func TestAuditResult(t *testing.T) {
	t.Parallel()
	s := newOutage(t)
	s.env["WORKER_CONSUMERS"], s.env["WAREHOUSE_URL"] = "warehouse", "duckdb:"+t.TempDir()+"/e.duckdb"
	app, stop := s.launch()
	at := time.Unix(1_790_000_000, 0)
	s.eventually("the result is recorded", func() bool { // the worker creates the bucket
		return audit.Record(t.Context(), s.conn.State(), &audit.Result{Workspace: "acme", Missing: 7}, at) == nil
	})
	if got := audits(t, app); got["cioevents_audit_missing_events globex"] != 0 || len(got) != 4 {
		t.Errorf("series %v", got)
	}
	stop() // the worker looks once a minute, and at its start
	app, _ = s.launch()
	want := fmt.Sprint(map[string]float64{
		"cioevents_audit_missing_events acme": 7, "cioevents_audit_missing_events globex": 0,
		"cioevents_audit_timestamp_seconds acme": 1_790_000_000, "cioevents_audit_timestamp_seconds globex": 0,
	})
	s.eventually("the instruments have the result", func() bool { return fmt.Sprint(audits(t, app)) == want })
}

// audits returns the series of audits by name and workspace.
func audits(t *testing.T, app *workerapp.App) map[string]float64 {
	t.Helper()
	families, err := app.Metrics().Gather()
	if err != nil {
		t.Fatal(err)
	}
	series := map[string]float64{}
	for _, f := range families {
		if len(f.GetName()) > 16 && f.GetName()[:16] == "cioevents_audit_" {
			for _, m := range f.GetMetric() {
				series[f.GetName()+" "+m.GetLabel()[0].GetValue()] = m.GetGauge().GetValue()
			}
		}
	}
	return series
}
