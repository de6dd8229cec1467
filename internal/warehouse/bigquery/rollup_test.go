package bigquery_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery/bigqueryfake"
)

func (p place) roller(t *testing.T, limit int64) *bigquery.Roller {
	t.Helper()
	cfg := p.config()
	cfg.MaxBytesBilled = limit
	r, err := bigquery.OpenRoller(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

var allDays = warehouse.Days{
	First: time.Date(2020, time.January, 1, 0, 0, 0, 0, time.UTC), Last: time.Date(2030, time.January, 1, 0, 0, 0, 0, time.UTC),
}

// A rollup is one job with a label, whose cost is known and limited. A refused, failed or
// cancelled rollup changes nothing.
func TestRollupIsAJob(t *testing.T) {
	t.Parallel()
	p := stocked(t, 200)
	r := p.roller(t, 0)
	e, err := r.Estimate(t.Context(), allDays)
	if err != nil || e.Bytes == 0 || len(p.Jobs()) != 0 {
		t.Fatalf("the estimate is %v, %v, with %d jobs", e, err, len(p.Jobs()))
	}
	rows, err := r.Replace(t.Context(), allDays)
	if err != nil || rows == 0 || int(rows) != p.Len(project, dataset, warehouse.Rollup) {
		t.Fatalf("%d new rows of %d, %v", rows, p.Len(project, dataset, warehouse.Rollup), err)
	}
	job := p.Jobs()[0]
	if c := job.Configuration; c.Labels["cioevents"] != "rollup" || c.Query.MaximumBytesBilled != bigquery.DefaultMaxBytesBilled || job.JobReference.Location != "EU" {
		t.Errorf("the job is %+v in %s", c, job.JobReference.Location)
	}
	fails := func(r *bigquery.Roller, text string) {
		t.Helper()
		if _, err := r.Replace(t.Context(), allDays); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("the rollup ends with %v; want %q", err, text)
		}
	}
	fails(p.roller(t, 1), "max_bytes_billed in WAREHOUSE_URL allows 1 bytes")
	p.Deny(bigqueryfake.NoWriting)
	fails(p.roller(t, 0), "roles/bigquery.dataEditor on the dataset")
	p.Deny(bigqueryfake.NoJobs)
	fails(p.roller(t, 0), "roles/bigquery.jobUser on the project")
	p.Deny(nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.roller(t, 0).Replace(ctx, allDays); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end of the context: %v", err)
	}
	if n := p.Len(project, dataset, warehouse.Rollup); n != int(rows) {
		t.Errorf("the table has %d rows; want %d", n, rows)
	}
}

// A Reader never runs the statement that a Roller runs, also after an estimate.
func TestReaderRunsNoRollup(t *testing.T) {
	t.Parallel()
	p := stocked(t, 1)
	r := p.reader(t)
	for range 2 {
		readError(t, r, bigquery.Rollup(project, dataset, allDays), "want a statement that reads, a SELECT: for BigQuery the statement is MERGE")
	}
	if n := len(p.Jobs()); n != 0 {
		t.Errorf("there are %d jobs", n)
	}
}
