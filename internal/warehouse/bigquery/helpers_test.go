package bigquery_test

import (
	"cmp"
	"context"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/fault"
	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery/bigqueryfake"
	"github.com/cioevents/cioevents/internal/warehouse/warehousetest"
	"github.com/cioevents/cioevents/pkg/webhook"
	"github.com/cioevents/cioevents/pkg/webhook/webhooktest"
)

const (
	project = "proj"
	dataset = "messaging"
)

// A target is a BigQuery, fake or Google's, with an empty dataset.
type target interface {
	Sink(t *testing.T) warehouse.Sink
	Read(t *testing.T) []map[string]any
}

// A place is a fake BigQuery in this process.
type place struct{ *bigqueryfake.Server }

func start(t *testing.T, cfg bigqueryfake.Config) place {
	t.Helper()
	server, err := bigqueryfake.Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	return place{server}
}

func (p place) config() bigquery.Config {
	return bigquery.Config{
		Project: project, GRPCEndpoint: p.GRPCEndpoint(), RESTEndpoint: p.RESTEndpoint(),
		Connections: 2, Timeout: 20 * time.Second,
	}
}

// Sink returns a new sink, as another process would have.
func (p place) Sink(t *testing.T) warehouse.Sink {
	t.Helper()
	return newSink(t, p.config())
}

func newSink(t *testing.T, cfg bigquery.Config) *bigquery.Sink {
	t.Helper()
	sink, err := bigquery.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sink.Close() })
	return sink
}

// open returns an open sink.
func open(t *testing.T, cfg bigquery.Config) *bigquery.Sink {
	t.Helper()
	sink := newSink(t, cfg)
	if err := sink.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	return sink
}

// Read returns the rows that the view shows.
func (p place) Read(t *testing.T) []map[string]any {
	t.Helper()
	rows, err := p.View(project, dataset, warehouse.Events)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func (p place) raw() []map[string]any { return p.Rows(project, dataset, bigquery.Raw) }

// rows returns n rows of a campaign; from is the number of the first.
func rows(tb testing.TB, from, n int) []warehouse.Row {
	tb.Helper()
	out := make([]warehouse.Row, 0, n)
	for body := range (webhooktest.Campaign{Seed: 1, Deliveries: 8_000}).Events() {
		if from > 0 {
			from--
			continue
		}
		if out = append(out, rowOf(tb, body)); len(out) == n {
			return out
		}
	}
	tb.Fatal("the campaign is too small")
	return nil
}

func rowOf(tb testing.TB, body []byte) warehouse.Row {
	tb.Helper()
	e, err := webhook.Parse(body)
	if err != nil {
		tb.Fatal(err)
	}
	received := time.Date(2025, 9, 8, 12, 0, 0, 123456789, time.FixedZone("", 3600))
	return warehouse.NewRow(e, warehouse.Origin{EventID: cmp.Or(e.ID, "none"), Workspace: "default", ReceivedAt: received, Sequence: 7})
}

// columnsOf returns the values that the table must have for a row.
func columnsOf(r *warehouse.Row) map[string]any {
	out := map[string]any{}
	for _, c := range warehouse.Columns() {
		out[c.Name] = warehousetest.Value(&c, r)
	}
	return out
}

// write repeats Write until it succeeds, as a worker does. It returns the number of
// failures, too.
func write(tb testing.TB, sink warehouse.Sink, batch []warehouse.Row) (warehouse.Result, int) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), time.Minute)
	defer cancel()
	for failures := 0; ; failures++ {
		result, err := sink.Write(ctx, batch)
		if err == nil {
			return result, failures
		}
		wait, _ := fault.RetryWait(err)
		select {
		case <-time.After(min(max(wait, 10*time.Millisecond), time.Second)):
		case <-ctx.Done():
			tb.Fatalf("Write failed for a minute; last error: %v", err)
		}
	}
}

// wantRows checks that a reader sees each row exactly once, and no other row.
func wantRows(t *testing.T, p target, want []warehouse.Row) {
	t.Helper()
	seen := p.Read(t)
	ids := map[any]bool{}
	for _, row := range seen {
		ids[row["event_id"]] = true
	}
	for i := range want {
		if !ids[want[i].EventID] {
			t.Fatalf("row %d is lost", i)
		}
	}
	if len(seen) != len(want) {
		t.Errorf("a reader sees %d rows; want %d", len(seen), len(want))
	}
}

// sequence is for Server.Fault: each of the next requests gets the next fault, and
// later requests get none.
func sequence(faults ...bigqueryfake.Fault) func(bigqueryfake.Request) bigqueryfake.Fault {
	return func(bigqueryfake.Request) (f bigqueryfake.Fault) {
		if len(faults) > 0 {
			f, faults = faults[0], faults[1:]
		}
		return f
	}
}
