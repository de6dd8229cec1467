package bigquery_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery/bigqueryfake"
	"github.com/cioevents/cioevents/pkg/webhook/webhooktest"
)

func TestEveryFieldOfEveryPayload(t *testing.T) {
	t.Parallel()
	p := start(t, bigqueryfake.Config{})
	sink := open(t, p.config())
	var batch []warehouse.Row
	for _, payload := range webhooktest.Payloads() {
		batch = append(batch, rowOf(t, payload.Body))
	}
	yes := true
	batch = append(batch, warehouse.Row{
		EventID: "full", Metric: "m", CustomerID: "c", EmailAddress: "e", DeliveryID: "d", CampaignID: -1, TemplateID: "t", Href: "h",
		Timestamp: time.Now().Add(-time.Hour), ReceivedAt: time.Now(), Workspace: "w\xff", ObjectType: "o", CioID: "ci", Recipient: "r",
		Subject: "Grüße", BroadcastID: 1, NewsletterID: 2, TransactionalMessageID: 3, ActionID: 4, ParentActionID: 5, ContentID: 1 << 62,
		TriggerID: "ti", TriggerEventID: "te", JourneyID: "j", LinkID: 6, TrackedResponse: "tr", FailureMessage: "f",
		IsMachine: new(bool), Proxied: &yes, Prefetched: new(bool), Synthetic: &yes, Shape: "s", StreamSequence: 9, Payload: []byte(`{"a":1}`),
	})
	result, err := sink.Write(t.Context(), batch)
	if want := (warehouse.Result{Inserted: len(batch)}); err != nil || !cmp.Equal(result, want) {
		t.Fatalf("result is %+v, %v; want %+v", result, err, want)
	}
	for i, row := range p.raw() {
		if diff := cmp.Diff(columnsOf(&batch[i]), row); diff != "" {
			t.Errorf("row %d (-want +got):\n%s", i, diff)
		}
	}
}

func TestManyRowsOverSeveralConnections(t *testing.T) {
	t.Parallel()
	p := start(t, bigqueryfake.Config{})
	cfg := p.config()
	cfg.Connections = 3
	sink := open(t, cfg)
	batch := rows(t, 0, 12_000)
	for range 2 { // the second time in the buffers of the first
		if result, err := sink.Write(t.Context(), batch); err != nil || result.Inserted != len(batch) {
			t.Fatalf("result is %+v, %v", result, err)
		}
	}
	if got := p.Counts(); got.Connections != 3 || got.Appends != 10 {
		t.Errorf("there were %+v; want 3 connections, and twice 5 requests", got)
	}
	wantRows(t, p, batch)
	want := map[string]map[string]any{}
	for i := range batch {
		want[batch[i].EventID] = columnsOf(&batch[i])
	}
	for _, row := range p.raw() {
		if diff := cmp.Diff(want[row["event_id"].(string)], row); diff != "" {
			t.Fatalf("row (-want +got):\n%s", diff)
		}
	}
}

// A request is at most so large however the rows fall.
func TestLargeRows(t *testing.T) {
	t.Parallel()
	p := start(t, bigqueryfake.Config{})
	sink := open(t, p.config())
	batch := rows(t, 0, 12)
	for i := range batch {
		size := []int{1_500_000, 8 << 20, 100, 4_000_000}[i%4]
		batch[i].Payload = fmt.Appendf(nil, `{"x":"%s"}`, bytes.Repeat([]byte("x"), size))
	}
	batch[5].Payload = append(batch[5].Payload, bytes.Repeat([]byte(" "), 1<<20)...)
	result, err := sink.Write(t.Context(), batch)
	if err != nil || result.Inserted != 11 || len(result.Rejected) != 1 || result.Rejected[0].Index != 5 {
		t.Fatalf("%d inserted, rejected: %v, error: %v; want the rejection of row 5", result.Inserted, result.Rejected, err)
	}
	if got := p.Counts().Appends; got < 5 || got > 8 {
		t.Errorf("there were %d requests; want some 7", got)
	}
	wantRows(t, p, append(batch[:5:5], batch[6:]...))
}

// BigQuery takes no row into a partition that is too far from now.
func TestTimesOutsideThePartitions(t *testing.T) {
	t.Parallel()
	p := start(t, bigqueryfake.Config{})
	sink := open(t, p.config())
	now := time.Now()
	batch := rows(t, 0, 6)
	for i, at := range []time.Time{now.AddDate(-11, 0, 0), now.AddDate(-9, 0, 0), now, now.AddDate(0, 11, 0), now.AddDate(1, 1, 0), {}} {
		batch[i].Timestamp = at
	}
	if result, err := sink.Write(t.Context(), batch); err != nil || result.Inserted != 6 {
		t.Fatalf("result is %+v, %v", result, err)
	}
	for i, row := range p.raw() {
		if got, want := row["timestamp"] == nil, i == 0 || i > 3; got != want {
			t.Errorf("row %d has the timestamp %v", i, row["timestamp"])
		}
		if !strings.Contains(row["payload"].(string), `"timestamp"`) {
			t.Errorf("row %d has the payload %v", i, row["payload"])
		}
	}
}

func TestRowsThatNoWarehouseStores(t *testing.T) {
	t.Parallel()
	p := start(t, bigqueryfake.Config{})
	sink := open(t, p.config())
	batch := rows(t, 0, 5)
	batch[0].EventID, batch[4].Payload = "", nil
	result, err := sink.Write(t.Context(), batch)
	if err != nil || result.Inserted != 3 || len(result.Rejected) != 2 || result.Rejected[0].Index != 0 || result.Rejected[1].Index != 4 {
		t.Errorf("result is %+v, %v", result, err)
	}
	if _, err := sink.Write(t.Context(), nil); err != nil {
		t.Errorf("empty batch: %v", err)
	}
	if result, err := sink.Write(t.Context(), batch[:1]); err != nil || len(result.Rejected) != 1 {
		t.Errorf("batch of one bad row: %+v, %v", result, err)
	}
	wantRows(t, p, batch[1:4])
}

func TestConcurrentSinks(t *testing.T) {
	t.Parallel()
	p := start(t, bigqueryfake.Config{})
	batch := rows(t, 0, 3_000)
	errs := make(chan error)
	for i := range 4 {
		sink := newSink(t, p.config())
		go func() {
			err := sink.Open(t.Context())
			for j := 0; j < 4 && err == nil; j++ {
				from := (i + j) * 400
				_, err = sink.Write(t.Context(), batch[from:from+600])
			}
			errs <- err
		}()
	}
	for range 4 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	wantRows(t, p, batch[:3_000])
}

func TestCloseWithoutOpen(t *testing.T) {
	t.Parallel()
	sink, err := bigquery.New(bigquery.Config{Project: project})
	if err != nil {
		t.Fatal(err)
	}
	if err := sink.Close(); err != nil {
		t.Error(err)
	}
}
