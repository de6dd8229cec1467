package report_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/report"
	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// The numbers are the same for times in whole seconds, with fractions, and decades apart.
func TestAnyTimes(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		first, step time.Duration // of the first delivery; between sent, delivered and opened
	}{
		"whole seconds": {0, 7 * time.Second},
		"fractions":     {0, 7*time.Second + 250*time.Millisecond},
		"decades":       {-30 * 365 * 24 * time.Hour, 7 * time.Second},
		"before 1970":   {-60 * 365 * 24 * time.Hour, 7 * time.Second},
	} {
		sent := time.Date(2025, time.October, 2, 12, 0, 0, 0, time.UTC)
		var list []warehouse.Row
		for i, at := range []time.Time{sent.Add(tt.first), sent} {
			for j, m := range []webhook.Metric{webhook.Sent, webhook.Delivered, webhook.Opened, webhook.Bounced} {
				id := fmt.Sprint(i, j)
				e := webhook.Event{ID: id, ObjectType: webhook.Email, Metric: m, DeliveryID: fmt.Sprint(i), OccurredAt: at.Add(time.Duration(j) * tt.step), FailureMessage: "550 5.1.1 no such user", Raw: []byte("{}")}
				list = append(list, warehouse.NewRow(&e, warehouse.Origin{EventID: id, Workspace: "default", ReceivedAt: sent}))
			}
			e := webhook.Event{ID: fmt.Sprint("open", i), ObjectType: webhook.Email, Metric: webhook.Opened, DeliveryID: fmt.Sprint("unsent", i), OccurredAt: at, Raw: []byte("{}")}
			list = append(list, warehouse.NewRow(&e, warehouse.Origin{EventID: e.ID, Workspace: "default", ReceivedAt: sent}))
		}
		step := tt.step.Seconds()
		for kind, reader := range readersOf(t, list) {
			got := newReport(t, report.Config{Reader: reader, Rows: rowsOf[kind]})
			c := got.Channels[0]
			if diff := cmp.Diff([]*report.Times{{Count: 2, P50: step, P90: step, P99: step}, {Count: 2, P50: step, P90: step, P99: step}}, []*report.Times{c.ToOpen, c.ToDeliver}); diff != "" {
				t.Errorf("%s, %s: times (-want +got):\n%s", kind, name, diff)
			}
			if c.Deliveries != 4 || c.Sent != 2 || c.HardBounces != 2 || c.Opens != 4 || len(got.Bounces) != 1 || got.Bounces[0].Reason == "" || !got.Newest.Equal(sent.Add(3*tt.step)) {
				t.Errorf("%s, %s: %+v, bounces %v, newest %v", kind, name, c.Counts, got.Bounces, got.Newest)
			}
		}
	}
}
