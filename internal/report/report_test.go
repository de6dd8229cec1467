package report_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/report"
	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/duckdb"
	"github.com/cioevents/cioevents/internal/warehouse/parquet"
	"github.com/cioevents/cioevents/internal/warehouse/warehousetest"
	"github.com/cioevents/cioevents/pkg/webhook"
)

func rows() []warehouse.Row {
	list := warehousetest.Rows(500)
	for i, id := range []string{"ann", "joe"} {
		e := list[0].Event
		e.DeliveryID, e.Metric = "own-"+id, webhook.Bounced
		e.OccurredAt = time.Date(2025, time.September, 20+i, 12, 0, 0, 0, time.UTC)
		e.FailureMessage = "550 5.1.1 <" + id + "@example.com> unknown"
		origin := list[0].Origin
		origin.EventID = "own-" + id
		list = append(list, warehouse.NewRow(&e, origin))
	}
	return list
}

func fill(t *testing.T, sink warehouse.Sink, err error) {
	t.Helper()
	fillWith(t, sink, err, rows())
}

func fillWith(t *testing.T, sink warehouse.Sink, err error, rows []warehouse.Row) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if err := sink.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := sink.Write(t.Context(), rows); err != nil {
		t.Fatal(err)
	}
	if err := sink.Close(); err != nil {
		t.Fatal(err)
	}
}

// readers returns a reader of each kind of warehouse with the same rows.
func readers(t *testing.T) map[string]warehouse.Reader {
	t.Helper()
	path, dir := filepath.Join(t.TempDir(), "e.duckdb"), t.TempDir()
	file, err := duckdb.New(duckdb.Config{Path: path})
	fill(t, file, err)
	folder, err := parquet.New(parquet.Config{Dir: dir})
	fill(t, folder, err)
	return openReaders(t, path, dir)
}

func openReaders(t *testing.T, path, dir string) map[string]warehouse.Reader {
	t.Helper()
	var err error
	list := map[string]warehouse.Reader{}
	if list["duckdb"], err = duckdb.OpenReader(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	if list["parquet"], err = duckdb.OpenFolder(t.Context(), dir, parquet.Views(dir)); err != nil {
		t.Fatal(err)
	}
	for _, r := range list {
		t.Cleanup(func() {
			if err := r.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
		})
	}
	return list
}

func sums(t *testing.T, r warehouse.Reader, statement string) []any {
	t.Helper()
	table, err := warehouse.ReadTable(t.Context(), r, statement)
	if err != nil {
		t.Fatal(err)
	}
	return table.Rows[0]
}

func TestNumbersAreThoseOfTheViews(t *testing.T) {
	t.Parallel()
	for name, reader := range readers(t) {
		got, err := report.New(t.Context(), report.Config{Reader: reader})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		f, day, clicks, events := report.Funnel{}, report.Day{}, int64(0), int64(0)
		for _, x := range got.Funnel {
			f.Sent, f.Opened, f.Bounced = f.Sent+x.Sent, f.Opened+x.Opened, f.Bounced+x.Bounced
		}
		for _, x := range got.Daily {
			day.Events, day.Clicked = day.Events+x.Events, day.Clicked+x.Clicked
		}
		for _, x := range got.Links {
			clicks += x.Clicks
		}
		for _, x := range got.Latency {
			events += x.Events
		}
		want := sums(t, reader, `SELECT
  (SELECT sum(sent)::BIGINT FROM customerio_messages), (SELECT sum(human_opens)::BIGINT FROM customerio_messages),
  (SELECT sum(hard_bounces + soft_bounces + unknown_bounces)::BIGINT FROM customerio_messages), (SELECT sum(events)::BIGINT FROM customerio_activity_daily),
  (SELECT sum(human_clicks)::BIGINT FROM customerio_activity_daily), (SELECT sum(human_clicks)::BIGINT FROM customerio_links),
  (SELECT sum(events)::BIGINT FROM customerio_pipeline_latency)`)
		if diff := cmp.Diff(want, []any{f.Sent, f.Opened, f.Bounced, day.Events, day.Clicked, clicks, events}); diff != "" {
			t.Errorf("%s (-views +report):\n%s", name, diff)
		}
		if f.Sent == 0 || clicks == 0 {
			t.Errorf("%s: the rows have nothing to count: %+v", name, f)
		}
	}
}

func TestDaysCampaignAndNames(t *testing.T) {
	t.Parallel()
	for name, reader := range readers(t) {
		cfg := report.Config{Reader: reader, Days: 2, Now: time.Date(2025, time.September, 21, 18, 0, 0, 0, time.UTC)}
		got, err := report.New(t.Context(), cfg)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		want := []report.Bounce{{Reason: "550 5.1.1 <…@example.com> unknown", Class: "hard", Count: 2}}
		if diff := cmp.Diff(want, got.Bounces); diff != "" {
			t.Errorf("%s: bounces (-want +got):\n%s", name, diff)
		}
		if len(got.Daily) != 2 || got.Daily[0].Day != "2025-09-20" || len(got.Links) != 0 {
			t.Errorf("%s: daily %+v, links %+v", name, got.Daily, got.Links)
		}
		cfg.Campaign = 1 << 40
		if got, err = report.New(t.Context(), cfg); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if len(got.Funnel)+len(got.Daily)+len(got.Bounces)+len(got.Latency) != 0 || got.Newest != nil {
			t.Errorf("%s: a campaign that is not there: %+v", name, got)
		}
	}
}

func TestQueryThatFails(t *testing.T) {
	t.Parallel()
	reader, err := duckdb.OpenFolder(t.Context(), t.TempDir(), "SELECT 1")
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	if _, err := report.New(t.Context(), report.Config{Reader: reader}); err == nil || !strings.Contains(err.Error(), "customerio_events") {
		t.Errorf("a warehouse without a table: %v", err)
	}
	if _, err := report.New(t.Context(), report.Config{}); err == nil {
		t.Error("no reader is no mistake")
	}
}
