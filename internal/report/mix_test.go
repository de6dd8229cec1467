package report_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/report"
	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/pkg/webhook"
	"github.com/cioevents/cioevents/pkg/webhook/webhooktest"
)

// The simulator knows the numbers of each message without the warehouse. Backfilled events
// change nothing after the webhooks have arrived.
func TestNumbersOfAMix(t *testing.T) {
	t.Parallel()
	mix := webhooktest.Mix{Seed: 3, Deliveries: 3000}
	want := mix.Totals().Messages
	rows := mixRows(t, mix)
	for name, reader := range readersOf(t, append(rows, backfilled(rows)...)) {
		r := newReport(t, report.Config{Reader: reader})
		got := map[webhooktest.Message]webhooktest.MessageTotals{}
		for _, m := range r.Messages {
			got[webhooktest.Message{ObjectType: webhook.ObjectType(m.ObjectType), Source: m.Source, SourceID: m.SourceID, ActionID: m.Action, ContentID: m.Content}] = totals(&m.Counts)
		}
		if diff := cmp.Diff(want, got); diff != "" || len(got) < 8 {
			t.Errorf("%s (-mix +report):\n%s", name, diff)
		}
		render(t, r)
	}
}

// backfilled returns backfilled events of the opens and clicks by machines, which do not
// say by whom: a person would be counted.
func backfilled(rows []warehouse.Row) (list []warehouse.Row) {
	for i := range rows {
		if r := rows[i]; r.ByMachine != nil && *r.ByMachine {
			r.EventID, r.Shape, r.ByMachine = webhook.BackfillPrefix+r.DeliveryID+":"+string(r.Metric), webhook.Backfill, nil
			list = append(list, r)
		}
	}
	return list
}

func totals(c *report.Counts) webhooktest.MessageTotals {
	n := func(i int64) int { return int(i) }
	return webhooktest.MessageTotals{
		Deliveries: n(c.Deliveries), Sent: n(c.Sent), Delivered: n(c.Delivered), HardBounces: n(c.HardBounces), SoftBounces: n(c.SoftBounces),
		UnknownBounces: n(c.UnknownBounces), Failed: n(c.Failed), HumanOpens: n(c.Opens), HumanClicks: n(c.Clicks), Conversions: n(c.Conversions),
		Unsubscribes: n(c.Unsubscribes), Complaints: n(c.Complaints), DeliveredOutsideGmail: n(c.OutsideGmail),
	}
}

func mixRows(t *testing.T, mix webhooktest.Mix) (rows []warehouse.Row) {
	t.Helper()
	for body := range mix.Events() {
		e, err := webhook.Parse(append([]byte(nil), body...))
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, warehouse.NewRow(e, warehouse.Origin{EventID: e.ID, Workspace: "default", ReceivedAt: e.OccurredAt.Add(time.Second)}))
	}
	return rows
}
