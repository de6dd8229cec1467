package bigquery_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery/bigqueryfake"
	"github.com/cioevents/cioevents/pkg/webhook"
	"github.com/cioevents/cioevents/pkg/webhook/webhooktest"
)

// assertions must pass with the fake and with Google's BigQuery.
var assertions = map[string]func(*testing.T, target){
	"every field":              everyField,
	"written again":            writtenAgain,
	"refused rows":             refusedRows,
	"times without partitions": timesWithoutPartitions,
}

func TestAssertions(t *testing.T) {
	t.Parallel()
	for name, check := range assertions {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check(t, start(t, bigqueryfake.Config{}))
		})
	}
}

func openTarget(t *testing.T, w target) warehouse.Sink {
	t.Helper()
	sink := w.Sink(t)
	if err := sink.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	return sink
}

func everyField(t *testing.T, w target) {
	t.Helper()
	var batch []warehouse.Row
	for _, payload := range webhooktest.Payloads() {
		batch = append(batch, rowOf(t, payload.Body))
		batch[len(batch)-1].EventID = payload.Name
	}
	batch = append(batch, warehouse.NewRow(&webhook.Event{
		Metric: "m", CustomerID: "c", EmailAddress: "e", DeliveryID: "d", CampaignID: -1, TemplateID: "t", Href: "h",
		OccurredAt: time.Now().Add(-time.Hour), ObjectType: "o", Identifiers: webhook.Identifiers{CioID: "ci"}, Recipient: "r",
		Subject: "Grüße", BroadcastID: 1, NewsletterID: 2, TransactionalMessageID: 3, ActionID: 4, ParentActionID: 5, ContentID: 1 << 62,
		TriggerID: "ti", TriggerEventID: "te", JourneyID: "j", LinkID: 6, TrackedResponse: "tr", FailureMessage: "f",
		Proxied: new(true), Prefetched: new(bool), Synthetic: new(true), Shape: "s", Raw: []byte(`{"a":1}`),
	}, warehouse.Origin{EventID: "full", Workspace: "w\xff", ReceivedAt: time.Now(), Sequence: 9}))
	if result, _ := write(t, openTarget(t, w), batch); result.Inserted != len(batch) || len(result.Rejected) > 0 {
		t.Fatalf("result is %+v", result)
	}
	want := map[any]map[string]any{}
	for i := range batch {
		want[batch[i].EventID] = columnsOf(&batch[i])
	}
	seen := w.Read(t)
	for _, row := range seen {
		if diff := cmp.Diff(want[row["event_id"]], row, cmp.FilterPath(isPayload, cmp.Comparer(sameJSON))); diff != "" {
			t.Errorf("row (-want +got):\n%s", diff)
		}
	}
	if len(seen) != len(batch) {
		t.Errorf("a reader sees %d rows; want %d", len(seen), len(batch))
	}
}

func isPayload(p cmp.Path) bool { return p.GoString() == `{map[string]any}["payload"]` }

// sameJSON compares values, not texts: a JSON column does not keep the text.
func sameJSON(a, b any) bool {
	var x, y any
	if json.Unmarshal([]byte(a.(string)), &x) != nil || json.Unmarshal([]byte(b.(string)), &y) != nil {
		return false
	}
	return cmp.Equal(x, y)
}

func writtenAgain(t *testing.T, w target) {
	t.Helper()
	batch := rows(t, 0, 1_500)
	sink := openTarget(t, w)
	write(t, sink, batch)
	write(t, sink, batch[500:])
	write(t, openTarget(t, w), slices.Concat(batch[:10], batch[:10])) // another worker
	wantRows(t, w, batch)
}

func refusedRows(t *testing.T, w target) {
	t.Helper()
	batch := rows(t, 0, 2_000)
	bad := []int{0, 3, 7, 999, 1_000, 1_999}
	for _, i := range bad {
		batch[i].Raw = []byte(`{not json`)
	}
	result, _ := write(t, openTarget(t, w), batch)
	var places []int
	for _, r := range result.Rejected {
		places = append(places, r.Index)
		if r.Err == nil {
			t.Errorf("row %d is rejected without an error", r.Index)
		}
	}
	if diff := cmp.Diff(bad, places); diff != "" || result.Inserted != len(batch)-len(bad) {
		t.Errorf("%d rows inserted; rejected rows (-want +got):\n%s", result.Inserted, diff)
	}
	wantRows(t, w, slices.DeleteFunc(batch, func(r warehouse.Row) bool { return string(r.Raw) == `{not json` }))
}

// BigQuery refuses rows for partitions that are too far from today.
func timesWithoutPartitions(t *testing.T, w target) {
	t.Helper()
	now := time.Now()
	batch := rows(t, 0, 6)
	kept := map[any]bool{}
	for i, at := range []time.Time{now.AddDate(-11, 0, 0), now.AddDate(-9, -11, 0), now, now.AddDate(0, 11, 0), now.AddDate(1, 1, 0), {}} {
		batch[i].Timestamp = at
		kept[batch[i].EventID] = i >= 1 && i <= 3
	}
	if result, _ := write(t, openTarget(t, w), batch); result.Inserted != 6 {
		t.Fatalf("result is %+v", result)
	}
	for _, row := range w.Read(t) {
		if got, want := row["timestamp"] != nil, kept[row["event_id"]]; got != want {
			t.Errorf("event %v has the timestamp %v", row["event_id"], row["timestamp"])
		}
	}
	wantRows(t, w, batch)
}
