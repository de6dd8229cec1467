package lab_test

import (
	"strings"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/customerio/customeriotest"
	"github.com/cioevents/cioevents/pkg/webhook"
	"github.com/cioevents/cioevents/test/lab"
)

func TestMessagesAreEvents(t *testing.T) {
	t.Parallel()
	h := lab.NewHistory(lab.HistoryConfig{Seed: 1, People: 50, Opens: 500, Others: 300, End: time.Unix(1755600000, 0)})
	ids, events := map[string]bool{}, map[string]bool{}
	for i := range h.Len() {
		m := h.Message(i)
		e, err := webhook.Parse(m.Body)
		if err != nil {
			t.Fatal(err)
		}
		if string(e.Metric) != m.Metric || string(e.ObjectType) != m.ObjectType || !strings.HasPrefix(m.ID, e.ID) {
			t.Fatalf("message %+v has a body with id %s, object type %s, metric %s", m, e.ID, e.ObjectType, e.Metric)
		}
		ids[m.ID], events[e.ID] = true, true
	}
	if len(ids) != h.Len() || len(events) != 800 || h.Len() == 800 {
		t.Errorf("%d ids and %d events in %d arrivals, want 800 events and more arrivals", len(ids), len(events), h.Len())
	}
	if n := h.Stay(); n == 0 || n == 50 {
		t.Errorf("%d of 50 people are not suppressed, want some and not all", n)
	}
}

// Check fails when the profiles lack the effects of the events.
func TestCheck(t *testing.T) {
	t.Parallel()
	h := lab.NewHistory(lab.HistoryConfig{Seed: 1, People: 3, Opens: 9, Others: 0, End: time.Unix(1755600000, 0)})
	fake := customeriotest.New(customeriotest.Config{})
	fake.Seed(h.People()...)
	if err := h.Check(fake); err == nil || !strings.Contains(err.Error(), "3 of 3 profiles are wrong") {
		t.Errorf("error %v", err)
	}
	if err := lab.NewHistory(lab.HistoryConfig{Seed: 1, People: 3}).Check(fake); err != nil {
		t.Errorf("without events: %v", err)
	}
}
