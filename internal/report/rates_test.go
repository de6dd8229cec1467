package report_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/report"
	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// Customer.io does not say which in-app messages were delivered: they have no rate of
// delivered, and their opens are in no rate of the e-mails.
func TestRatesAreOfOneChannel(t *testing.T) {
	t.Parallel()
	day := time.Date(2025, time.October, 2, 12, 0, 0, 0, time.UTC)
	var list []warehouse.Row
	add := func(channel webhook.ObjectType, delivery string, metrics ...webhook.Metric) {
		for i, m := range metrics {
			id := fmt.Sprint(channel, delivery, i)
			e := webhook.Event{ID: id, ObjectType: channel, Metric: m, DeliveryID: delivery, OccurredAt: day, Raw: []byte("{}")}
			list = append(list, warehouse.NewRow(&e, warehouse.Origin{EventID: id, Workspace: "default", ReceivedAt: day}))
		}
	}
	add(webhook.Email, "a", webhook.Sent, webhook.Delivered, webhook.Opened)
	add(webhook.Email, "b", webhook.Sent, webhook.Delivered)
	add(webhook.InApp, "c", webhook.Sent, webhook.Opened)
	add(webhook.InApp, "d", webhook.Sent, webhook.Opened, webhook.Clicked)
	add(webhook.InApp, "e", webhook.Sent, webhook.Opened)
	want := map[string]report.Rates{
		"email":  {Delivery: new(1.0), Open: new(0.5), Click: new(0.0), ClickToOpen: new(0.0), Bounce: new(0.0), Complaint: new(0.0), Unsubscribe: new(0.0)},
		"in_app": {ClickToOpen: new(1.0 / 3)},
	}
	for name, reader := range readersOf(t, list) {
		got := newReport(t, report.Config{Reader: reader, Rows: rowsOf[name]})
		channels, stages := map[string]report.Rates{}, map[string][]string{}
		for i := range got.Channels {
			c := &got.Channels[i]
			channels[c.ObjectType] = c.Rates
			for _, s := range c.Stages() {
				stages[c.ObjectType] = append(stages[c.ObjectType], fmt.Sprint(s.Name, " ", s.Count, " ", report.Percent(s.Rate())))
			}
		}
		for part, rates := range map[string]map[string]report.Rates{"summary": got.Summary.Rates, "day": got.Days[0].Rates, "channels": channels} {
			if diff := cmp.Diff(want, rates); diff != "" {
				t.Errorf("%s, %s (-want +got):\n%s", name, part, diff)
			}
		}
		if want := []string{"sent 3 100.0 %", "opened 3 –", "clicked 1 –"}; !slices.Equal(stages["in_app"], want) {
			t.Errorf("%s: in-app messages have %q, want %q", name, stages["in_app"], want)
		}
	}
}
