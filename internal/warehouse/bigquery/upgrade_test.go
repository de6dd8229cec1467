package bigquery_test

import (
	"slices"
	"testing"
	"time"

	bq "cloud.google.com/go/bigquery"
	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery/bigqueryfake"
	"github.com/cioevents/cioevents/internal/warehouse/warehousetest"
)

// older creates the dataset as the first release did: a table without the columns after
// payload, and views of version 2.
func older(t *testing.T, p place) {
	t.Helper()
	d := client(t, p)
	columns := warehousetest.OlderColumns()
	schema := make(bq.Schema, len(columns))
	for i, c := range columns {
		kind := map[warehouse.Type]bq.FieldType{
			warehouse.Text: bq.StringFieldType, warehouse.Integer: bq.IntegerFieldType, warehouse.Boolean: bq.BooleanFieldType,
			warehouse.Timestamp: bq.TimestampFieldType, warehouse.JSON: bq.JSONFieldType,
		}[c.Type]
		schema[i] = &bq.FieldSchema{Name: c.Name, Type: kind, Required: c.Required}
	}
	if err := d.Create(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	createRaw(t, d, schema)
	for name, query := range map[string]string{warehouse.Events: olderView, warehouse.Bounces: "SELECT 'the first release'"} {
		if err := d.Table(name).Create(t.Context(), &bq.TableMetadata{ViewQuery: query, Labels: map[string]string{"cioevents_views": "2"}}); err != nil {
			t.Fatal(err)
		}
	}
}

const olderView = "SELECT * FROM `proj.messaging.customerio_events_raw`\nWHERE TRUE\n" +
	"QUALIFY ROW_NUMBER() OVER (PARTITION BY workspace, event_id, `timestamp` ORDER BY received_at, stream_sequence) = 1"

func createRaw(t *testing.T, d *bq.Dataset, schema bq.Schema) {
	t.Helper()
	meta := &bq.TableMetadata{Schema: schema}
	if len(schema) > 1 {
		meta.TimePartitioning = &bq.TimePartitioning{Type: bq.DayPartitioningType, Field: "timestamp"}
		meta.Clustering = &bq.Clustering{Fields: []string{"campaign_id", "metric", "delivery_id"}}
	}
	if err := d.Table(bigquery.Raw).Create(t.Context(), meta); err != nil {
		t.Fatal(err)
	}
}

// olderSink returns a sink as in a worker of the first release that has opened the
// dataset already.
func olderSink(t *testing.T, p place) *bigquery.Sink {
	t.Helper()
	sink, err := bigquery.NewWithColumns(p.config(), warehousetest.OlderColumns())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sink.Close() })
	return sink
}

// Workers of the first release and of this one write the same events to a dataset of
// the first release. Each event counts once, with the columns of this release.
func TestOlderAndNewerWorkersSideBySide(t *testing.T) {
	t.Parallel()
	p := start(t, bigqueryfake.Config{})
	older(t, p)
	all := append(warehousetest.Samples(), rows(t, 0, 300)...)
	for i := range all {
		all[i].Sequence = uint64(i) // as in one stream: both workers read the same message
	}
	first := olderSink(t, p)
	write(t, first, all[:200])
	second := open(t, p.config())
	write(t, second, all[100:])       // replayed
	write(t, first, all[150:])        // with the connection of before
	write(t, olderSink(t, p), all)    // restarted
	write(t, second, all[:100])       // the rest of the replay
	write(t, first, all[:len(all)/2]) // redelivered
	if raw := len(p.raw()); raw <= 2*len(all) {
		t.Fatalf("the table has %d rows, which cannot test much", raw)
	}
	wantColumns(t, p, all)
}

// wantColumns checks that the view shows each row once. A row whose columns let the view
// distinguish the releases must have all columns.
func wantColumns(t *testing.T, p place, want []warehouse.Row) {
	t.Helper()
	wantRows(t, p, want)
	read := map[any]map[string]any{}
	for _, row := range p.Read(t) {
		read[row["event_id"]] = row
	}
	newer := 0
	for i := range want {
		values := columnsOf(&want[i])
		if values["source"] == nil && values["bounce_class"] == nil && values["preferences"] == nil {
			continue
		}
		newer++
		if diff := cmp.Diff(values, read[want[i].EventID]); diff != "" {
			t.Errorf("event %s (-want +got):\n%s", want[i].EventID, diff)
		}
	}
	if newer < len(want)*9/10 {
		t.Errorf("only %d of %d rows have columns of this release", newer, len(want))
	}
}

// A replay brings the original of an erased row back to the table, from either worker.
// The view shows the erased row.
func TestErasedRowStaysErased(t *testing.T) {
	t.Parallel()
	p := start(t, bigqueryfake.Config{})
	older(t, p)
	sink := open(t, p.config())
	original := rows(t, 0, 2)
	erased := slices.Clone(original)
	for i := range erased {
		erased[i].Derived, erased[i].Recipient = warehouse.Derived{Timestamp: original[i].Timestamp}, ""
		erased[i].ErasedAt = time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	}
	write(t, sink, original[:1])
	write(t, sink, erased)
	write(t, olderSink(t, p), original)
	write(t, sink, original)
	for _, row := range p.Read(t) {
		if row["erased_at"] == nil || row["recipient"] != nil {
			t.Errorf("the view shows recipient %v of event %v", row["recipient"], row["event_id"])
		}
	}
	wantRows(t, p, original)
}

// The view prefers a row of this release to a row that lacks columns, whichever came
// first. A row that a backfill has filled lacks bounce_class only.
func TestFullerRowComesFirst(t *testing.T) {
	t.Parallel()
	for name, empty := range map[string]func(*warehouse.Row){
		"newsletter":        func(r *warehouse.Row) { r.Source, r.SourceID = "", "" },
		"hard bounce":       func(r *warehouse.Row) { r.Bounce = "" },
		"preference change": func(r *warehouse.Row) { r.Preferences = "" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t, bigqueryfake.Config{})
			sink := open(t, p.config())
			fuller := []warehouse.Row{bodyRow(t, name)}
			older := slices.Clone(fuller)
			empty(&older[0])
			for _, batch := range [][]warehouse.Row{older, fuller, older} {
				write(t, sink, batch)
			}
			if diff := cmp.Diff([]map[string]any{columnsOf(&fuller[0])}, p.Read(t)); diff != "" {
				t.Errorf("the view shows (-want +got):\n%s", diff)
			}
		})
	}
}

// bodyRow returns the row of one of warehousetest.Bodies.
func bodyRow(t *testing.T, name string) warehouse.Row {
	t.Helper()
	for _, b := range warehousetest.Bodies() {
		if b.Name != name {
			continue
		}
		row, err := b.Row()
		if err != nil {
			t.Fatal(err)
		}
		return row
	}
	t.Fatalf("there is no body %q", name)
	return warehouse.Row{}
}

// Open replaces the views of the first release, which compare fewer columns.
func TestViewsOfTheFirstRelease(t *testing.T) {
	t.Parallel()
	p := start(t, bigqueryfake.Config{})
	older(t, p)
	open(t, p.config())
	for _, name := range []string{warehouse.Events, warehouse.Bounces} {
		view := p.Table(project, dataset, name)
		if view.Labels["cioevents_views"] != "8" || view.View.Query == olderView || len(view.View.Query) < 100 {
			t.Errorf("view %s has version %s and the query %s", name, view.Labels["cioevents_views"], view.View.Query)
		}
	}
}
