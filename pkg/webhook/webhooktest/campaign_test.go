package webhooktest_test

import (
	"bytes"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/pkg/webhook"
	"github.com/cioevents/cioevents/pkg/webhook/webhooktest"
)

// The totals must equal the numbers from reading the events.
func TestTotalsCountTheEvents(t *testing.T) {
	t.Parallel()
	for _, c := range []webhooktest.Campaign{{}, {Deliveries: -1}, {Deliveries: 1}, {Deliveries: 3000, Seed: 7}} {
		got := count(t, c.Events())
		if diff := cmp.Diff(c.Totals(), got); diff != "" {
			t.Errorf("totals of %+v differ from its events (-totals +events):\n%s", c, diff)
		}
	}
}

func TestCampaignRates(t *testing.T) {
	t.Parallel()
	const deliveries = 200_000
	got := webhooktest.Campaign{Seed: 1, Deliveries: deliveries}.Totals()
	delivered := float64(got.Metrics[webhook.Delivered])
	bounced := float64(got.Metrics[webhook.Bounced])
	opened := float64(got.Deliveries[webhook.Opened])
	tests := []struct {
		name      string
		got, want float64
	}{
		{"delivered", delivered / deliveries, 0.97},
		{"bounced", bounced / deliveries, 0.02},
		{"dropped", float64(got.Metrics[webhook.Dropped]) / deliveries, 0.01},
		{"hard bounces", float64(got.HardBounced) / bounced, 0.60},
		{"soft bounces", float64(got.SoftBounced) / bounced, 0.30},
		{"deferred", float64(got.Metrics[webhook.Deferred]) / delivered, 0.01},
		{"opened", opened / delivered, 0.45},
		{"machine opens", float64(got.MachineOpens) / opened, 0.35},
		{"repeated opens", float64(got.Metrics[webhook.Opened])/opened - 1, 0.15},
		{"clicked", float64(got.Metrics[webhook.Clicked]) / delivered, 0.08},
		{"machine clicks", float64(got.MachineClicks) / float64(got.Metrics[webhook.Clicked]), 0.05},
		{"converted", float64(got.Metrics[webhook.Converted]) / delivered, 0.015},
		{"unsubscribed", float64(got.Metrics[webhook.Unsubscribed]) / delivered, 0.004},
		{"spammed", float64(got.Metrics[webhook.Spammed]) / delivered, 0.0008},
	}
	for _, tt := range tests {
		if math.Abs(tt.got-tt.want) > 0.2*tt.want {
			t.Errorf("%s: rate %.5f, want about %.5f", tt.name, tt.got, tt.want)
		}
	}
	if want := deliveries - got.Metrics[webhook.Dropped]; got.Metrics[webhook.Sent] != want {
		t.Errorf("%d sent, want %d", got.Metrics[webhook.Sent], want)
	}
}

func TestCampaignOf1000HasAComplaint(t *testing.T) {
	t.Parallel()
	for seed := range uint64(50) {
		if n := (webhooktest.Campaign{Seed: seed, Deliveries: 1000}).Totals().Complained; n < 1 {
			t.Errorf("seed %d: %d complaints, want 1 or more", seed, n)
		}
	}
}

// The metric that must come before each metric, if a delivery has both.
var before = map[webhook.Metric]webhook.Metric{
	webhook.Delivered:    webhook.Sent,
	webhook.Bounced:      webhook.Sent,
	webhook.Deferred:     webhook.Sent,
	webhook.Opened:       webhook.Delivered,
	webhook.Clicked:      webhook.Opened,
	webhook.Converted:    webhook.Clicked,
	webhook.Unsubscribed: webhook.Delivered,
	webhook.Spammed:      webhook.Delivered,
}

func TestCampaignOrderAndIDs(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, time.March, 2, 8, 0, 0, 0, time.UTC)
	c := webhooktest.Campaign{Deliveries: 5000, CampaignID: 12, Start: start}
	seen, last := make(map[string]bool), start
	for body := range c.Events() {
		e := parse(t, body)
		if seen[e.ID] || len(e.ID) != 26 {
			t.Fatalf("id %q is repeated or not a ULID", e.ID)
		}
		if need := before[e.Metric]; need != "" && !seen[e.DeliveryID+string(need)] {
			t.Fatalf("%s of %s before %s", e.Metric, e.DeliveryID, need)
		}
		if e.OccurredAt.Before(last) || e.OccurredAt.After(start.Add(8*24*time.Hour)) {
			t.Fatalf("event at %v after an event at %v", e.OccurredAt, last)
		}
		if e.ObjectType != webhook.Email || e.Shape != webhook.Nested || e.CampaignID != 12 {
			t.Fatalf("event is %s", body)
		}
		seen[e.ID], seen[e.DeliveryID+string(e.Metric)], last = true, true, e.OccurredAt
	}
}

func TestCampaignPeople(t *testing.T) {
	t.Parallel()
	want := webhook.Identifiers{ID: "person-000000", Email: "person-000000@example.com", CioID: "ffff00000000"}
	for body := range (webhooktest.Campaign{Deliveries: 1}).Events() {
		e := parse(t, body)
		if diff := cmp.Diff(want, e.Identifiers); diff != "" {
			t.Errorf("identifiers differ (-want +got):\n%s", diff)
		}
		if e.CustomerID != want.ID || e.Recipient != want.Email || e.DeliveryID == "" {
			t.Errorf("event is %s", body)
		}
	}
}

func TestCampaignRepeats(t *testing.T) {
	t.Parallel()
	c := webhooktest.Campaign{Seed: 3, Deliveries: 500}
	first, second := slices.Collect(c.Events()), slices.Collect(c.Events())
	if !slices.EqualFunc(first, second, bytes.Equal) {
		t.Error("the same campaign has other events the second time")
	}
	c.Seed++
	ids := make(map[string]bool)
	for _, body := range first {
		ids[parse(t, body).ID] = true
	}
	for body := range c.Events() {
		if id := parse(t, body).ID; ids[id] {
			t.Fatalf("campaigns of two seeds share the id %s", id)
		}
	}
}

func TestCampaignCanBeLeft(t *testing.T) {
	t.Parallel()
	n := 0
	for range (webhooktest.Campaign{Deliveries: 100}).Events() {
		n++
		if n == 3 {
			break
		}
	}
	if n != 3 {
		t.Errorf("%d events, want 3", n)
	}
}

// An iteration is an event.
func BenchmarkCampaign(b *testing.B) {
	c := webhooktest.Campaign{Deliveries: 100_000}
	b.ReportAllocs()
	n := 0
	for n < b.N {
		for body := range c.Events() {
			b.SetBytes(int64(len(body)))
			n++
			if n == b.N {
				break
			}
		}
	}
}
