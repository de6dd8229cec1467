package bigquery_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	bq "google.golang.org/api/bigquery/v2"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery/bigqueryfake"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery/bigquerytest"
	"github.com/cioevents/cioevents/internal/warehouse/warehousetest"
)

// endless is a statement that computes for minutes, over some hundred events.
const endless = "SELECT count(*) AS n FROM customerio_events a CROSS JOIN customerio_events b CROSS JOIN customerio_events c " +
	"CROSS JOIN customerio_events d WHERE a.event_id < b.event_id AND c.event_id < d.event_id AND a.event_id < d.event_id"

// stocked returns a fake BigQuery that answers queries, with n events in the EU.
func stocked(t *testing.T, n int) place {
	t.Helper()
	p := place{bigquerytest.Start(t, bigqueryfake.Config{})}
	cfg := p.config()
	cfg.Location = "EU"
	write(t, open(t, cfg), warehousetest.Rows(n))
	return p
}

func (p place) reader(t *testing.T, change ...func(*bigquery.Config)) *bigquery.Reader {
	t.Helper()
	cfg := p.config()
	for _, c := range change {
		c(&cfg)
	}
	r, err := bigquery.OpenReader(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

// readError wants an error of the query with all texts.
func readError(t *testing.T, r warehouse.Reader, statement string, texts ...string) {
	t.Helper()
	_, err := warehouse.ReadTable(t.Context(), r, statement)
	for _, text := range texts {
		if err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%.50s: %v; want an error with %q", statement, err, text)
		}
	}
}

// The engine of the fake knows DuckDB's words for an array and a struct only.
func TestReaderValues(t *testing.T) {
	t.Parallel()
	r := stocked(t, 1).reader(t)
	table, err := warehouse.ReadTable(t.Context(), r, `SELECT 7 AS i, -0.25e0 AS f, true AS b, NULL AS n, 'a' AS t, CAST('1.50' AS DECIMAL(9, 2)) AS d,
  DATE '2026-01-02' AS day, TIME '10:20:30.5' AS tm, TIMESTAMP '2026-01-02 03:04:05.000006' AS local, CAST('2026-01-02 03:04:05.000006+00' AS TIMESTAMPTZ) AS at,
  CAST('{"x": [1.50]}' AS JSON) AS j, [1, 2] AS list, CAST([] AS BIGINT[]) AS none, {'a': 1, 'b': [{'c': DATE '2026-01-02'}]} AS s, 'NaN'::DOUBLE AS nan`)
	if err != nil {
		t.Fatal(err)
	}
	want := []any{
		int64(7), -0.25, true, nil, "a", json.Number("1.5"), "2026-01-02", "10:20:30.5", "2026-01-02T03:04:05.000006",
		time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC), json.RawMessage(`{"x": [1.50]}`),
		[]any{int64(1), int64(2)},
		[]any{},
		map[string]any{"a": int64(1), "b": []any{map[string]any{"c": "2026-01-02"}}},
		"NaN",
	}
	if diff := cmp.Diff(want, table.Rows[0]); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
}

// More rows than a page arrive in order, once.
func TestReaderPages(t *testing.T) {
	t.Parallel()
	r := stocked(t, 120).reader(t)
	rows, err := r.Query(t.Context(), "SELECT row_number() OVER (ORDER BY a.event_id, b.event_id) AS n FROM customerio_events a CROSS JOIN customerio_events b ORDER BY n")
	if err != nil {
		t.Fatal(err)
	}
	next := int64(1)
	for row, err := range rows.Each {
		if err != nil || row[0] != next {
			t.Fatalf("row %d is %v, %v", next, row, err)
		}
		next++
	}
	if next != 120*120+1 {
		t.Errorf("%d rows; want %d", next-1, 120*120)
	}
}

// A job has an id of ours, a label, a limit, UTC, and the location of the dataset, also
// when the URL names none.
func TestReaderJobs(t *testing.T) {
	t.Parallel()
	p := stocked(t, 1)
	if _, err := warehouse.ReadTable(t.Context(), p.reader(t), "SELECT event_id FROM customerio_events"); err != nil {
		t.Fatal(err)
	}
	jobs := p.Jobs()
	if len(jobs) != 1 {
		t.Fatalf("%d jobs; want one", len(jobs))
	}
	q, ref := jobs[0].Configuration.Query, jobs[0].JobReference
	if !strings.HasPrefix(ref.JobId, "cioevents_") || ref.Location != "EU" || jobs[0].Configuration.Labels["cioevents"] != "reader" {
		t.Errorf("the job is %+v with labels %v", ref, jobs[0].Configuration.Labels)
	}
	zone := []*bq.ConnectionProperty{{Key: "time_zone", Value: "UTC"}}
	if diff := cmp.Diff(zone, q.ConnectionProperties); diff != "" || q.MaximumBytesBilled != 10<<30 || *q.UseLegacySql {
		t.Errorf("the query is %+v\n%s", q, diff)
	}
}

// Nobody pays for a job whose reader has gone.
func TestReaderCancelsJobs(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(context.CancelFunc, *bigquery.Reader){
		"context": func(cancel context.CancelFunc, _ *bigquery.Reader) { cancel() },
		"Close":   func(_ context.CancelFunc, r *bigquery.Reader) { _ = r.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := stocked(t, 500)
			r := p.reader(t)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			failed := make(chan error)
			go func() {
				_, err := r.Query(ctx, endless) //nolint:gocritic // the query never has rows
				failed <- err
			}()
			for len(p.Jobs()) == 0 {
				<-time.After(5 * time.Millisecond) // the fake is on the network
			}
			end(cancel, r)
			if err := <-failed; err == nil {
				t.Fatal("the query has succeeded")
			}
			if status := p.Jobs()[0].Status; status.ErrorResult == nil || status.ErrorResult.Reason != "stopped" {
				t.Errorf("the job is %s with %+v; want it stopped", status.State, status.ErrorResult)
			}
		})
	}
}

// The limit refuses a query at once, and says the setting.
func TestReaderLimit(t *testing.T) {
	t.Parallel()
	r := stocked(t, 10).reader(t, func(c *bigquery.Config) { c.MaxBytesBilled = 1 << 20 })
	begin := time.Now()
	readError(t, r, "SELECT event_id FROM customerio_events", " bytes)", "max_bytes_billed in WAREHOUSE_URL allows 1 MiB")
	if took := time.Since(begin); took > 10*time.Second {
		t.Errorf("the refusal took %s", took)
	}
}

// Estimate counts the columns that the view and the query read, and runs nothing.
func TestReaderEstimate(t *testing.T) {
	t.Parallel()
	p := stocked(t, 10)
	r := p.reader(t)
	var want int64
	for _, row := range p.raw() {
		want += int64(2 + len(fmt.Sprint(row["subject"])))
	}
	got, err := r.Estimate(t.Context(), "SELECT subject FROM customerio_events_raw")
	if err != nil || got.Bytes != want || got.Dollars != 10.0*(1<<20)/(1<<40)*6.25 {
		t.Errorf("the estimate is %+v, %v; want %d bytes for 10 MiB's price", got, err, want)
	}
	view, err := r.Estimate(t.Context(), "SELECT subject FROM customerio_events")
	if err != nil || view.Bytes <= want {
		t.Errorf("the estimate of the view is %+v, %v; want more than %d bytes: it reads the key, too", view, err, want)
	}
	if _, err := r.Estimate(t.Context(), "DELETE FROM customerio_events_raw WHERE true"); err == nil {
		t.Error("Estimate accepts a DELETE")
	}
	if n := len(p.Jobs()); n != 0 {
		t.Errorf("%d jobs; want none", n)
	}
}

func TestReaderDenials(t *testing.T) {
	t.Parallel()
	p := stocked(t, 1)
	for _, c := range []struct {
		denial *bigqueryfake.Denial
		want   string
	}{
		{bigqueryfake.NoJobs, "roles/bigquery.jobUser on the project"},
		{bigqueryfake.NoRole, "roles/bigquery.dataViewer on the dataset"},
		{bigqueryfake.CostControl, "try later"},
		{bigqueryfake.APIDisabled, "gcloud services enable"},
		{bigqueryfake.OutsidePerimeter, "VPC Service Controls refuse the account"},
	} {
		r := p.reader(t)
		p.Deny(c.denial)
		readError(t, r, "SELECT 1 AS x", c.want)
		p.Deny(nil)
	}
	p.Deny(bigqueryfake.NoRole)
	if _, err := bigquery.OpenReader(t.Context(), p.config()); err == nil || !strings.Contains(err.Error(), "dataViewer") {
		t.Errorf("OpenReader without a role: %v", err)
	}
}

// The reader names the dataset that is missing, and closes.
func TestReaderWithoutDataset(t *testing.T) {
	t.Parallel()
	p := place{bigquerytest.Start(t, bigqueryfake.Config{})}
	_, err := bigquery.OpenReader(t.Context(), p.config())
	if err == nil || !strings.Contains(err.Error(), "correct the project or the dataset in WAREHOUSE_URL") {
		t.Errorf("OpenReader: %v", err)
	}
}

// A second query ends the rows of the first.
func TestReaderHasOneQuery(t *testing.T) {
	t.Parallel()
	r := stocked(t, 3).reader(t)
	first, err := r.Query(t.Context(), "SELECT event_id FROM customerio_events")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := warehouse.ReadTable(t.Context(), r, "SELECT 1 AS x"); err != nil {
		t.Fatal(err)
	}
	for _, err = range first.Each {
		break
	}
	if err == nil || !strings.Contains(err.Error(), "another query has begun") {
		t.Errorf("the first rows go on: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := r.Query(ctx, "SELECT 1 AS x"); err != nil { //nolint:gocritic // nobody reads the row
		t.Fatal(err)
	}
	cancel() // ends the reader, also without a reading caller
	deadline := time.Now().Add(5 * time.Second)
	for err = nil; err == nil && time.Now().Before(deadline); {
		_, err = warehouse.ReadTable(t.Context(), r, "SELECT 1 AS x")
	}
	if !errors.Is(err, context.Canceled) && (err == nil || !strings.Contains(err.Error(), "closed")) {
		t.Errorf("the reader goes on after the end of a query's context: %v", err)
	}
}
