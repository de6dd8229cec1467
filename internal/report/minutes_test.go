package report_test

import (
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/report"
	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// Events count in the minute in which they arrived, however late they are.
func TestMinutes(t *testing.T) {
	t.Parallel()
	now := time.Date(2025, time.October, 2, 12, 30, 30, 0, time.UTC)
	var list []warehouse.Row
	add := func(id string, metric webhook.Metric, ago, late time.Duration) {
		e := webhook.Event{ID: id, Metric: metric, ObjectType: webhook.Email, OccurredAt: now.Add(-ago - late), Raw: []byte("{}")}
		list = append(list, warehouse.NewRow(&e, warehouse.Origin{EventID: id, Workspace: "default", ReceivedAt: now.Add(-ago)}))
	}
	add("a", webhook.Opened, time.Minute, 0)
	add("b", webhook.Opened, 70*time.Second, 7*24*time.Hour)
	add("c", "", time.Minute, 0)
	add("d", webhook.Clicked, 30*time.Minute, time.Second)
	add("e", webhook.Clicked, 32*time.Minute, 0)
	at := func(minute int) time.Time { return time.Date(2025, time.October, 2, 12, minute, 0, 0, time.UTC) }
	want := []report.Minute{{at(0), "clicked", 1}, {at(29), "", 1}, {at(29), "opened", 2}}
	for name, reader := range readersOf(t, list) {
		got, err := report.Minutes(t.Context(), report.Config{Reader: reader, Now: now}, 30*time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
