package warehouse_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/warehousetest"
	"github.com/cioevents/cioevents/pkg/webhook"
	"github.com/cioevents/cioevents/pkg/webhook/webhooktest"
)

// An erased row says nothing about the person, and every other column stays: the views
// count an erased row as before.
func TestEraseLeavesTheOtherColumns(t *testing.T) {
	t.Parallel()
	at, received := time.Unix(1_770_000_000, 0).UTC(), time.Unix(1_760_000_001, 0).UTC()
	filled := map[string]bool{}
	for _, p := range webhooktest.Payloads() {
		e, err := webhook.Parse(p.Body)
		if err != nil {
			t.Fatal(err)
		}
		before := warehouse.NewRow(e, warehouse.Origin{EventID: "event", Workspace: "acme", ReceivedAt: received, Sequence: 9})
		before.Preferences, before.LinkName = "[]", "link" // in no sample
		after := before
		after.Erase(at)
		if err := after.Check(); err != nil {
			t.Errorf("%s: %v", p.Name, err)
		}
		for _, c := range warehouse.Columns() {
			was, is := warehousetest.Value(&c, &before), warehousetest.Value(&c, &after)
			want := was
			switch {
			case c.Personal:
				filled[c.Name] = filled[c.Name] || was != nil
				want = nil
			case c.Name == "erased_at":
				want = at
			case c.Name == "payload":
				want = string(warehouse.ErasedPayload("event", string(e.Metric), e.OccurredAt))
			}
			if diff := cmp.Diff(want, is); diff != "" {
				t.Errorf("%s: column %s (-want +got):\n%s", p.Name, c.Name, diff)
			}
		}
	}
	for _, c := range warehouse.Columns() {
		if c.Personal && !filled[c.Name] {
			t.Errorf("no sample has a value in column %s: the test shows nothing about the column", c.Name)
		}
	}
}

func TestErasedPayload(t *testing.T) {
	t.Parallel()
	for want, p := range map[string][]byte{
		`{"event_id":"1","metric":"sent","timestamp":1760000000}`: warehouse.ErasedPayload("1", "sent", time.Unix(1_760_000_000, 0)),
		`{"event_id":"1"}`: warehouse.ErasedPayload("1", "", time.Time{}),
	} {
		if string(p) != want {
			t.Errorf("payload %s; want %s", p, want)
		}
	}
}
