package bigquery_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	bq "cloud.google.com/go/bigquery"
	"google.golang.org/api/option"

	"github.com/cioevents/cioevents/internal/fault"
	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery/bigqueryfake"
)

// client returns the dataset for an operator who changes it beside the worker.
func client(t *testing.T, p place) *bq.Dataset {
	t.Helper()
	c, err := bq.NewClient(t.Context(), project, option.WithEndpoint(p.RESTEndpoint()), option.WithoutAuthentication())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c.Dataset(dataset)
}

func TestOlderTableGainsColumns(t *testing.T) {
	t.Parallel()
	p := start(t, bigqueryfake.Config{})
	older(t, p)
	sink := open(t, p.config())
	batch := rows(t, 0, 10)
	write(t, sink, batch)
	for i, row := range p.raw() {
		if row["source"] != "campaign" || row["source_id"] == nil {
			t.Errorf("row %d has %v and %v in the new columns", i, row["source"], row["source_id"])
		}
	}
}

// The Write API learns of new columns late. Until then rows leave out the new columns.
func TestNewColumnsAreNotKnownYet(t *testing.T) {
	t.Parallel()
	p := start(t, bigqueryfake.Config{})
	older(t, p)
	cfg := p.config()
	cfg.NewColumnsWait = 200 * time.Millisecond
	sink := open(t, cfg)
	// GetWriteStream shows the new columns, and AppendRows does not know them: two
	// servers of Google's may differ in this way.
	var known bool
	p.Fault(func(r bigqueryfake.Request) bigqueryfake.Fault {
		if !known && r.Number%2 == 1 {
			return bigqueryfake.Fault{Kind: bigqueryfake.SchemaNotVisible}
		}
		return bigqueryfake.Fault{}
	})
	all := rows(t, 0, 1_000)
	write(t, sink, all[:1])
	if row := p.raw()[0]; row["source"] != nil {
		t.Fatalf("the first row has the new columns: %v", row["source"])
	}
	p.Fault(nil)
	for i := 1; p.raw()[len(p.raw())-1]["source"] == nil; i++ {
		if _, err := sink.Write(t.Context(), all[i:i+1]); err != nil {
			t.Fatal(err)
		}
	}
}

// The Write API reports a changed schema in its answers.
func TestNewColumnsAreNoticed(t *testing.T) {
	t.Parallel()
	p, later := lagging(t)
	older(t, p)
	sink := open(t, p.config()) // without the report, NewColumnsWait is 5 minutes
	all := rows(t, 0, 3)
	write(t, sink, all[:1])
	if row := p.raw()[0]; row["source"] != nil {
		t.Fatalf("the first row has the new columns: %v", row["source"])
	}
	later()
	write(t, sink, all[1:2]) // the answer reports the changed schema
	write(t, sink, all[2:3])
	if row := p.raw()[2]; row["source"] != "campaign" {
		t.Errorf("the third row has %v in a new column", row["source"])
	}
}

// lagging returns a BigQuery whose Write API learns of new columns when the test calls
// later.
func lagging(t *testing.T) (p place, later func()) {
	t.Helper()
	var passed atomic.Int64
	p = start(t, bigqueryfake.Config{SchemaLag: time.Hour, Now: func() time.Time { return time.Now().Add(time.Duration(passed.Load())) }})
	return p, func() { passed.Store(int64(time.Hour)) }
}

// Another process has added the columns, so this one does not know which to
// leave out: the rows wait.
func TestNewColumnsOfAnotherProcess(t *testing.T) {
	t.Parallel()
	p := start(t, bigqueryfake.Config{})
	sink := open(t, p.config())
	p.Fault(sequence(bigqueryfake.Fault{Kind: bigqueryfake.SchemaNotVisible}))
	_, err := sink.Write(t.Context(), rows(t, 0, 1))
	if _, ok := fault.RetryWait(err); !ok {
		t.Errorf("error is %v; want one with a wait", err)
	}
	write(t, sink, rows(t, 0, 1))
}

// A newer release adds a column while this one is running.
func TestColumnsOfANewerRelease(t *testing.T) {
	t.Parallel()
	p := start(t, bigqueryfake.Config{})
	sink := open(t, p.config())
	all := rows(t, 0, 300)
	write(t, sink, all[:100])
	addColumn(t, p, "later")
	write(t, sink, all[100:200])
	if err := sink.Open(t.Context()); err != nil { // as after a restart
		t.Fatal(err)
	}
	write(t, open(t, p.config()), all[200:])
	wantRows(t, p, all)
	fields := p.Table(project, dataset, bigquery.Raw).Schema.Fields
	if last := fields[len(fields)-1].Name; last != "later" {
		t.Errorf("the last column is %s, want the column of the newer release", last)
	}
}

func addColumn(t *testing.T, p place, name string) {
	t.Helper()
	table := client(t, p).Table(bigquery.Raw)
	meta, err := table.Metadata(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	schema := append(slices.Clone(meta.Schema), &bq.FieldSchema{Name: name, Type: bq.StringFieldType})
	if _, err := table.Update(t.Context(), bq.TableMetadataToUpdate{Schema: schema}, meta.ETag); err != nil {
		t.Fatal(err)
	}
}

// Several workers open the same dataset at the same time.
func TestOpenAtTheSameTime(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(*testing.T, place){"nothing there": func(*testing.T, place) {}, "older table": older} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t, bigqueryfake.Config{})
			prepare(t, p)
			errs := make(chan error)
			for range 6 {
				sink := newSink(t, p.config())
				go func() {
					ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
					defer cancel()
					errs <- sink.Open(ctx)
				}()
			}
			for range 6 {
				if err := <-errs; err != nil {
					t.Error(err)
				}
			}
			if got, want := len(p.Table(project, dataset, bigquery.Raw).Schema.Fields), len(warehouse.Columns()); got != want {
				t.Errorf("the table has %d columns; want %d", got, want)
			}
		})
	}
}

func TestColumnOfAnotherType(t *testing.T) {
	t.Parallel()
	p := start(t, bigqueryfake.Config{})
	d := client(t, p)
	if err := d.Create(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	schema := bq.Schema{{Name: "event_id", Type: bq.IntegerFieldType}}
	createRaw(t, d, schema)
	if err := newSink(t, p.config()).Open(t.Context()); err == nil {
		t.Error("Open accepts a table with an event_id of type INTEGER")
	}
}

func TestOpenMakesTableAndViews(t *testing.T) {
	t.Parallel()
	p := start(t, bigqueryfake.Config{})
	cfg := p.config()
	cfg.Location = "EU"
	open(t, cfg)
	meta := p.Table(project, dataset, bigquery.Raw)
	if meta.TimePartitioning.Field != "timestamp" || meta.TimePartitioning.Type != "DAY" || !slices.Equal(meta.Clustering.Fields, []string{"campaign_id", "metric", "delivery_id"}) {
		t.Errorf("the table is partitioned by %+v and clustered by %+v", meta.TimePartitioning, meta.Clustering)
	}
	for i, c := range warehouse.Columns() {
		f := meta.Schema.Fields[i]
		if f.Name != c.Name || f.Description != c.About || (f.Mode == "REQUIRED") != c.Required {
			t.Errorf("column %d is %+v; want %s", i, f, c.Name)
		}
	}
	for _, name := range append(warehouse.Views(), warehouse.Events) {
		if view := p.Table(project, dataset, name); view == nil || view.View == nil || view.View.UseLegacySql {
			t.Errorf("there is no view %s in GoogleSQL", name)
		}
	}
}

// Open replaces a view of an older release, and keeps current views.
func TestOpenReplacesViews(t *testing.T) {
	t.Parallel()
	p := start(t, bigqueryfake.Config{})
	open(t, p.config())
	d := client(t, p)
	view := d.Table(warehouse.Bounces)
	if _, err := view.Update(t.Context(), bq.TableMetadataToUpdate{ViewQuery: "SELECT 1", UseLegacySQL: false}, ""); err != nil {
		t.Fatal(err)
	}
	etag := p.Table(project, dataset, warehouse.Links).Etag
	open(t, p.config())
	if meta, err := view.Metadata(t.Context()); err != nil || meta.ViewQuery == "SELECT 1" || meta.UseLegacySQL {
		t.Errorf("the view is %+v, %v", meta, err)
	}
	if p.Table(project, dataset, warehouse.Links).Etag != etag {
		t.Error("Open wrote a current view again")
	}
}

// An older release that starts beside a newer one keeps the newer views.
func TestOpenLeavesNewerViews(t *testing.T) {
	t.Parallel()
	p := start(t, bigqueryfake.Config{})
	open(t, p.config())
	view := client(t, p).Table(warehouse.Bounces)
	for label, kept := range map[string]bool{"1": false, "1000": true} {
		newer := bq.TableMetadataToUpdate{ViewQuery: "SELECT " + label, UseLegacySQL: false}
		newer.SetLabel("cioevents_views", label)
		if _, err := view.Update(t.Context(), newer, ""); err != nil {
			t.Fatal(err)
		}
		open(t, p.config())
		meta, err := view.Metadata(t.Context())
		if err != nil || (meta.ViewQuery == "SELECT "+label) != kept {
			t.Errorf("a view of version %s is %q, %v", label, meta.ViewQuery, err)
		}
	}
}

// A change of the views needs a higher viewsVersion. Otherwise workers of the release
// before replace the views at their next start.
func TestViewsHaveTheirVersion(t *testing.T) {
	t.Parallel()
	text := strings.Join(bigquery.Statements(project, dataset, "")[6:], "\n")
	if got, want := fmt.Sprintf("%x", sha256.Sum256([]byte(text)))[:12], "8aa469acacd8"; got != want {
		t.Errorf("the views have the hash %s, want %s: raise viewsVersion, then update the hash here", got, want)
	}
}

// While the Write API does not know the columns of the key, rows wait: without the key
// nobody could distinguish events.
func TestRequiredColumnsAreWaitedFor(t *testing.T) {
	t.Parallel()
	p, later := lagging(t)
	d := client(t, p)
	if err := d.Create(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	schema := bq.Schema{{Name: "payload", Type: bq.JSONFieldType}}
	createRaw(t, d, schema)
	sink := open(t, p.config())
	batch := rows(t, 0, 10)
	_, err := sink.Write(t.Context(), batch)
	if _, ok := fault.RetryWait(err); !ok {
		t.Errorf("error is %v; want one with a wait", err)
	}
	later()
	write(t, sink, batch)
	wantRows(t, p, batch)
}
