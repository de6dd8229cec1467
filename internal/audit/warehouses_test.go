package audit_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/audit"
	"github.com/cioevents/cioevents/internal/customerio/customeriotest"
	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery/bigqueryfake"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery/bigquerytest"
	"github.com/cioevents/cioevents/internal/warehouse/place"
)

// The statements have one meaning in each warehouse: rows before, in and after the period,
// rows without a time, and rows of persons.
func TestEachWarehouse(t *testing.T) { //nolint:tparallel // the warehouses share the rows
	t.Parallel()
	at := weekOne
	fake := customeriotest.NewApp(customeriotest.AppConfig{})
	row := func(id, object, metric string, at time.Time, received time.Duration) event.Attempt {
		m := event.Message{Workspace: "default", ReceivedAt: at.Add(received), Body: fmt.Appendf(nil, `{"event_id":"%[1]s-%[3]s-%[4]d","object_type":%[2]q,"metric":%[3]q,"timestamp":%[4]d,"data":{"delivery_id":%[1]q,"newsletter_id":5,"content_id":51}}`, id, object, metric, at.Unix())}
		if err := m.Index(); err != nil {
			t.Fatal(err)
		}
		if object != "customer" {
			fake.Record(m.Body)
		}
		return event.Attempt{Stored: &event.Stored{Message: m}}
	}
	rows := []event.Attempt{
		row("a", "email", "sent", at.Add(-time.Hour), time.Second), row("a", "email", "opened", at.Add(-2*time.Second), time.Second),
		row("a", "email", "opened", at.Add(time.Hour), time.Second), // not the first
		row("b", "email", "sent", at, time.Second), row("b", "email", "opened", at.AddDate(0, 0, 9), time.Second),
		row("c", "email", "sent", at.Add(time.Hour), 6*24*time.Hour), // a late call
		row("d", "customer", "unsubscribed", at, time.Second),        // of a person
	}
	row("d", "email", "unsubscribed", at.Add(time.Second), 0) // lost
	row("b", "email", "clicked", at.Add(time.Second), 0)      // lost
	message := audit.Message{ObjectType: "email", Source: "newsletter", SourceID: "5", ContentID: 51}
	want := []audit.Line{
		{Message: message, Metric: "sent", Customerio: 2, Here: 2},
		{Message: message, Metric: "clicked", Customerio: 1, Missing: 1},
		{Message: message, Metric: "unsubscribed", Customerio: 1, Missing: 1},
	}
	for name, p := range warehouses(t) { //nolint:paralleltest // as above
		t.Run(name, func(t *testing.T) {
			write(t, p, rows)
			r, err := audit.Run(t.Context(), audit.Order{
				Workspace: "default", Since: at, Until: at.AddDate(0, 0, 1), Warehouse: p, Consumer: "warehouse",
				App: direct(t, fake), Stream: &events{list: rows, settled: 100},
			})
			if err != nil {
				t.Fatal(err)
			}
			if diff := gocmp.Diff(want, r.Customerio.Lines); diff != "" {
				t.Errorf("lines (-want +got):\n%s", diff)
			}
			if diff := gocmp.Diff(&audit.StreamComparison{Events: 3}, r.Stream); diff != "" {
				t.Errorf("stream (-want +got):\n%s", diff)
			}
		})
	}
}

// A compacted folder replaces its files after the first Scan has listed them.
type compacted struct {
	place.Place
	once sync.Once
}

func (c *compacted) Scan(ctx context.Context) (r warehouse.Reader, tables []string, err error) {
	r, tables, err = c.Place.Scan(ctx)
	c.once.Do(func() { _, failed := c.Compact(ctx, place.Compaction{}); err = errors.Join(err, failed) })
	return r, tables, err
}

// An audit begins again when a compaction deletes the files that the audit has listed.
func TestCompactedMeanwhile(t *testing.T) {
	t.Parallel()
	p := warehouses(t)["parquet"]
	rows := []event.Attempt{sent("a", weekOne), sent("b", weekOne)}
	for i := range rows {
		write(t, p, rows[i:i+1])
	}
	r, err := audit.Run(t.Context(), audit.Order{
		Workspace: "default", Since: weekOne, Until: weekOne.AddDate(0, 0, 1), Warehouse: &compacted{Place: p}, Consumer: "warehouse",
		Stream: &events{list: rows, settled: 100},
	})
	if err != nil || r.Missing != 0 || r.Stream.Events != 2 {
		t.Errorf("the audit finds %+v, %v, want 2 events and none missing", r, err)
	}
}

// warehouses returns a warehouse of each kind.
func warehouses(t *testing.T) map[string]place.Place {
	t.Helper()
	server := bigquerytest.Start(t, bigqueryfake.Config{})
	dir := t.TempDir()
	list, err := place.ParseList([]string{
		"duckdb:" + filepath.Join(dir, "e.duckdb"), "parquet:" + filepath.Join(dir, "events"),
		fmt.Sprintf("bigquery://proj/messaging?rest=%s&grpc=%s", server.RESTEndpoint(), server.GRPCEndpoint()),
	})
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]place.Place{}
	for _, p := range list {
		named[p.Scheme] = p
	}
	return named
}
