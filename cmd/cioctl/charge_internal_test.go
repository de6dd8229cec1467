package main

import (
	"bytes"
	"context"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/vbauerster/mpb/v8"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery/bigqueryfake"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery/bigquerytest"
	"github.com/cioevents/cioevents/internal/warehouse/place"
	"github.com/cioevents/cioevents/internal/warehouse/warehousetest"
)

func fakeBigQuery(t *testing.T, n int) (*bigqueryfake.Server, string) {
	t.Helper()
	server := bigquerytest.Start(t, bigqueryfake.Config{})
	url := "bigquery://proj?rest=" + server.RESTEndpoint() + "&grpc=" + server.GRPCEndpoint()
	write(t, url, warehousetest.Rows(n))
	return server, url
}

// BigQuery prints the same as a DuckDB file with the same events, in every format.
func TestQueryOnBigQuery(t *testing.T) {
	t.Parallel()
	s := &shell{t: t}
	_, url := fakeBigQuery(t, 20)
	file := "duckdb:" + filepath.Join(t.TempDir(), "e.duckdb")
	write(t, file, warehousetest.Rows(20))
	const statement = "SELECT event_id, received_at, payload, campaign_id, is_machine, reply_to_number FROM customerio_events ORDER BY received_at, event_id"
	for _, format := range formats {
		got := s.ok("query", "--warehouse-url", url, "--output", format, statement)
		if diff := cmp.Diff(s.ok("query", "--warehouse-url", file, "--output", format, statement), got); diff != "" || got == "" {
			t.Errorf("%s (-DuckDB +BigQuery):\n%s", format, diff)
		}
	}
}

// A dry run prints the bytes and the price, and runs nothing.
func TestDryRun(t *testing.T) {
	t.Parallel()
	s := &shell{t: t}
	server, url := fakeBigQuery(t, 20)
	const statement = "SELECT event_id FROM customerio_events_raw"
	var e struct {
		Bytes   int64
		Dollars float64
	}
	if err := json.Unmarshal([]byte(s.ok("query", "--dry-run", "--warehouse-url", url, "--output", "jsonl", statement)), &e); err != nil || e.Bytes < 20*3 || e.Dollars <= 0 {
		t.Errorf("the estimate is %+v, %v", e, err)
	}
	want := "the query reads " + warehouse.Estimate{Bytes: e.Bytes, Dollars: e.Dollars}.String() + " at most\n"
	if got := s.ok("query", "--dry-run", "--warehouse-url", url, statement); got != want {
		t.Errorf("--dry-run prints %q; want %q", got, want)
	}
	if n := len(server.Jobs()); n != 0 {
		t.Errorf("%d jobs; want none", n)
	}
	s.wrong("--dry-run: duckdb costs nothing", "query", "--dry-run", "--warehouse-url", "duckdb:x", "SELECT 1")
}

// Ctrl-C reaches BigQuery: a query that goes on would cost as much.
func TestCtrlCCancelsTheJob(t *testing.T) {
	t.Parallel()
	s := &shell{t: t}
	server, url := fakeBigQuery(t, 500)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	code := make(chan int)
	go func() {
		_, _, c := s.runIn(ctx, strings.NewReader(""), "query", "--warehouse-url", url,
			"SELECT count(*) AS n FROM customerio_events a CROSS JOIN customerio_events b CROSS JOIN customerio_events c WHERE a.event_id < b.event_id AND b.event_id || 'x' < c.event_id || a.event_id")
		code <- c
	}()
	for len(server.Jobs()) == 0 {
		<-time.After(5 * time.Millisecond) // the fake is on the network
	}
	cancel()
	if got := <-code; got != 1 {
		t.Errorf("the exit code is %d; want 1", got)
	}
	if failed := server.Jobs()[0].Status.ErrorResult; failed == nil || failed.Reason != "stopped" {
		t.Errorf("the job ends with %+v; want it stopped", failed)
	}
}

// On a terminal a person sees the price before the rows.
func TestTeller(t *testing.T) {
	t.Parallel()
	_, url := fakeBigQuery(t, 20)
	p, err := place.Parse(url)
	if err != nil {
		t.Fatal(err)
	}
	r, err := p.Reader(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	e, ok := r.(warehouse.Estimator)
	if !ok {
		t.Fatal("the reader of BigQuery is no Estimator")
	}
	var errs bytes.Buffer
	c := &cli{err: &errs}
	table, err := warehouse.ReadTable(t.Context(), teller{e, c}, "SELECT event_id FROM customerio_events")
	if err != nil || len(table.Rows) != 20 || !strings.Contains(errs.String(), "the query reads ") {
		t.Errorf("%v, %q", err, errs.String())
	}
	errs.Reset()
	c.waiting("BigQuery", mpb.WithAutoRefresh())()
	if got := errs.String(); !strings.Contains(got, "waiting for BigQuery, 0 s") {
		t.Errorf("waiting prints %q", got)
	}
}
