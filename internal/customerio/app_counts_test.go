package customerio_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cioevents/cioevents/internal/customerio"
	"github.com/cioevents/cioevents/internal/customerio/customeriotest"
	"github.com/cioevents/cioevents/pkg/webhook"
	"github.com/cioevents/cioevents/pkg/webhook/webhooktest"
)

// The days of each source add up to the totals of the simulation.
func TestDays(t *testing.T) {
	t.Parallel()
	mixed := webhooktest.Mix{Seed: 1, Deliveries: 3000}
	for _, cfg := range []customeriotest.AppConfig{{}, {ByCreation: true}, {FlatSeries: true}} {
		synctest.Test(t, func(t *testing.T) {
			since := time.Date(2025, 9, 1, 9, 0, 0, 0, time.UTC)
			until := since.Add(webhooktest.MixDuration + time.Hour)
			<-time.After(time.Until(until))
			fake := customeriotest.NewApp(cfg)
			for body := range mixed.Events() {
				fake.Record(body)
			}
			a := direct(t, fake)
			totals := mixed.Totals()
			for _, c := range []struct {
				source customerio.Source
				key    webhooktest.Message
			}{
				{customerio.Source{Kind: "campaign", ID: 1, ActionID: 11}, webhooktest.Message{ObjectType: "email", Source: "campaign", SourceID: "1", ActionID: 11}},
				{customerio.Source{Kind: "broadcast", ID: 1, ActionID: 42}, webhooktest.Message{ObjectType: "push", Source: "broadcast", SourceID: "1", ActionID: 42}},
				{customerio.Source{Kind: "newsletter", ID: 2}, webhooktest.Message{ObjectType: "email", Source: "newsletter", SourceID: "2", ContentID: 201}},
				{customerio.Source{Kind: "newsletter", ID: 1, ContentID: 102}, webhooktest.Message{ObjectType: "email", Source: "newsletter", SourceID: "1", ContentID: 102}},
				{customerio.Source{Kind: "transactional", ID: 1}, webhooktest.Message{ObjectType: "email", Source: "transactional", SourceID: "1"}},
			} {
				days, err := a.Days(t.Context(), c.source, since, until)
				if err != nil {
					t.Fatal(err)
				}
				n := map[webhook.Metric]int{}
				for _, d := range days {
					for metric, count := range d.Deliveries {
						n[metric] += count
					}
				}
				want := totals.Messages[c.key]
				if n[webhook.Sent] != want.Sent || n[webhook.Converted] != want.Conversions || n[webhook.Dropped] == 0 && c.key.ObjectType == "email" && c.source.Kind == "newsletter" {
					t.Errorf("%+v: %d days, %v, want %+v", c.source, len(days), n, want)
				}
			}
		})
	}
}

// The days of a newsletter begin at midnight in the east of the United States.
func TestDaysBegin(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		now := time.Date(2025, 9, 10, 3, 0, 0, 0, time.UTC) // the evening before in the east
		<-time.After(time.Until(now))
		fake := customeriotest.NewApp(customeriotest.AppConfig{})
		fake.Record([]byte(`{"event_id":"x","object_type":"email","metric":"sent","timestamp":1757390400,"data":{"delivery_id":"D","newsletter_id":5,"campaign_id":6}}`)) // 2025-09-09 04:00
		for kind, want := range map[string]string{"newsletter": "2025-09-08T00:00:00-05:00 1, 2025-09-09T00:00:00-05:00 0", "campaign": "2025-09-08T00:00:00Z 0, 2025-09-09T00:00:00Z 1, 2025-09-10T00:00:00Z 0"} {
			id := map[string]int64{"newsletter": 5, "campaign": 6}[kind]
			days, err := direct(t, fake).Days(t.Context(), customerio.Source{Kind: kind, ID: id}, now.AddDate(0, 0, -2).Add(5*time.Hour), now)
			var got []string
			for _, d := range days {
				got = append(got, d.Begin.Format(time.RFC3339)+" "+string(rune('0'+d.Deliveries[webhook.Sent])))
			}
			if text := strings.Join(got, ", "); err != nil || text != want {
				t.Errorf("%s: %v %s, want %s", kind, err, text, want)
			}
		}
	})
}

func TestDaysWithoutSeries(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"metrics":[]}`: "read metrics: decode answer: no series",
		`{"metric":{"series":{"sent":{"day":1}}}}`: "read metrics: decode answer: series sent is not a list of numbers",
	} {
		a := direct(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, body) }))
		if _, err := a.Days(t.Context(), customerio.Source{Kind: "campaign", ID: 1}, time.Unix(0, 0), time.Unix(10, 0)); err == nil || err.Error() != want {
			t.Errorf("%s: error %v, want %s", body, err, want)
		}
	}
}
