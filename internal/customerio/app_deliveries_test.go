package customerio_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/customerio"
	"github.com/cioevents/cioevents/internal/customerio/customeriotest"
	"github.com/cioevents/cioevents/pkg/webhook"
	"github.com/cioevents/cioevents/pkg/webhook/webhooktest"
)

// All deliveries come once and in order, under each reading, from sparse and from dense
// times and from a second with more deliveries than a page.
func TestDeliveries(t *testing.T) {
	t.Parallel()
	mixed := webhooktest.Mix{Seed: 1, Deliveries: 1500}
	for name, cfg := range customeriotest.Readings() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				cfg.PageSize = 100
				fake := customeriotest.NewApp(cfg)
				for body := range mixed.Events() {
					fake.Record(body)
				}
				crowd := time.Date(2025, 9, 3, 0, 0, 0, 0, time.UTC)
				record(fake, 250, crowd)
				want := fake.DeliveryIDs()
				got, err := collect(t.Context(), direct(t, fake), customerio.DeliveryQuery{
					Since: time.Date(2025, 8, 1, 0, 0, 0, 0, time.UTC), Until: time.Date(2025, 10, 1, 0, 0, 0, 0, time.UTC),
				})
				if err != nil {
					t.Fatal(err)
				}
				ordered := slices.IsSortedFunc(got, func(a, b customerio.Delivery) int { return a.Created.Compare(b.Created) })
				if diff := cmp.Diff(want, ids(got)); diff != "" || !ordered {
					t.Errorf("in order %v, deliveries (-want +got):\n%.2000s", ordered, diff)
				}
				if n := fake.Counts().Requests; n > 300 {
					t.Errorf("%d calls for %d deliveries", n, len(got))
				}
			})
		})
	}
}

// record adds n deliveries of one second.
func record(fake *customeriotest.App, n int, at time.Time) {
	for i := range n {
		fake.Record(fmt.Appendf(nil, `{"event_id":"c%[1]d","object_type":"sms","metric":"sent","timestamp":%[2]d,"data":{"delivery_id":"crowd-%06[1]d"}}`, i, at.Unix()))
	}
}

func collect(ctx context.Context, a *customerio.App, q customerio.DeliveryQuery) (list []customerio.Delivery, err error) {
	for d, err := range a.Deliveries(ctx, q) {
		if err != nil {
			return list, err
		}
		list = append(list, d)
	}
	return list, nil
}

func ids(list []customerio.Delivery) []string {
	var ids []string
	for i := range list {
		ids = append(ids, list[i].ID)
	}
	slices.Sort(ids)
	return ids
}

// A delivery has the ids, the person and the times of its webhooks, however Customer.io
// writes human_opened.
func TestDelivery(t *testing.T) {
	t.Parallel()
	for _, counts := range []bool{false, true} {
		fake := customeriotest.NewApp(customeriotest.AppConfig{HumanCounts: counts})
		const data = `,"data":{"delivery_id":"D=","customer_id":"joe","identifiers":{"id":"joe","email":"joe@example.com","cio_id":"a1"},"recipient":"joe@example.com","subject":"Hi","campaign_id":7,"action_id":71,"trigger_event_id":"T"`
		for _, event := range []string{`"sent","timestamp":100` + data, `"opened","timestamp":200` + data + `,"prefetched":true`, `"opened","timestamp":300` + data, `"clicked","timestamp":400` + data + `,"machine":true`, `"bounced","timestamp":500` + data + `,"failure_message":"550"`, `"attempted","timestamp":90` + data} {
			fake.Record([]byte(`{"event_id":"x","object_type":"sms","metric":` + event + `}}`))
		}
		at := func(seconds int64) time.Time { return time.Unix(seconds, 0).UTC() }
		want := []customerio.Delivery{{
			ID: "D=", ObjectType: webhook.SMS, Created: at(100), CustomerID: "joe",
			Identifiers: webhook.Identifiers{ID: "joe", Email: "joe@example.com", CioID: "a1"},
			Recipient:   "joe@example.com", Subject: "Hi", FailureMessage: "550", CampaignID: 7, ActionID: 71, TriggerEventID: "T",
			Metrics: map[webhook.Metric]time.Time{"sent": at(100), "opened": at(200), "clicked": at(400), "bounced": at(500)},
			Human:   map[webhook.Metric]bool{"opened": true, "clicked": false},
		}}
		got, err := collect(t.Context(), serveApp(t, fake), customerio.DeliveryQuery{Since: at(50), Until: at(1000)})
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%v, deliveries (-want +got):\n%s", err, diff)
		}
	}
}

// Eight thousand deliveries of an hour take hardly more calls than pages, at 5 a
// second, and an interrupted reading continues where it ended.
func TestDeliveriesPace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		campaign := webhooktest.Campaign{Seed: 2, Deliveries: 8_000, CampaignID: 7}
		fake := customeriotest.NewApp(customeriotest.AppConfig{})
		for body := range campaign.Events() {
			fake.Record(body)
		}
		a := direct(t, fake)
		until := time.Date(2025, 9, 20, 0, 0, 0, 0, time.UTC)
		q := customerio.DeliveryQuery{Since: until.AddDate(0, 0, -60), Until: until}
		start, n := time.Now(), 0
		var last customerio.Delivery
		for d, err := range a.Deliveries(t.Context(), q) {
			if err != nil {
				t.Fatal(err)
			}
			n++
			if n > 5_000 && d.Created.After(last.Created) {
				break
			}
			last = d
		}
		q.Since = last.Created.Add(time.Second)
		for _, err := range a.Deliveries(t.Context(), q) {
			if err != nil {
				t.Fatal(err)
			}
			n++
		}
		calls, took := fake.Counts().Requests, time.Since(start)
		if n != campaign.Deliveries+1 || calls > 60 || took > 13*time.Second || fake.Counts().RateLimited > 0 {
			t.Errorf("%d deliveries in %d calls and %v", n, calls, took)
		}
		t.Logf("%d calls in %v", calls, took)
	})
}

// A page that the API refuses ends the list with an error.
func TestDeliveriesFail(t *testing.T) {
	t.Parallel()
	fake := customeriotest.NewApp(customeriotest.AppConfig{Denied: []string{"/v1/messages"}})
	_, err := collect(t.Context(), serveApp(t, fake), customerio.DeliveryQuery{Since: time.Unix(0, 0), Until: time.Unix(10, 0)})
	if err == nil || !strings.HasPrefix(err.Error(), "list deliveries: ") || !strings.Contains(err.Error(), "give the key the scope") {
		t.Errorf("error %v", err)
	}
}

func TestHasDelivery(t *testing.T) {
	t.Parallel()
	fake := customeriotest.NewApp(customeriotest.AppConfig{})
	fake.Record([]byte(`{"event_id":"e","object_type":"email","metric":"sent","timestamp":1755600000,"data":{"delivery_id":"D1=="}}`))
	a := serveApp(t, fake)
	for id, want := range map[string]bool{"D1==": true, "D1": false, "D1%3D%3D": false, "../campaigns": false} {
		if got, err := a.HasDelivery(t.Context(), id); got != want || err != nil {
			t.Errorf("HasDelivery(%q) = %v, %v, want %v", id, got, err, want)
		}
	}
	a = serveApp(t, customeriotest.NewApp(customeriotest.AppConfig{Denied: []string{"/v1/messages"}}))
	if _, err := a.HasDelivery(t.Context(), "D1"); err == nil || !strings.Contains(err.Error(), "give the key the scope") {
		t.Errorf("without the scope: error %v", err)
	}
}
