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

// Workers of c826c92 judge every event of a history with OldToo as the model does. An
// event of an e-mail to another address has both addresses and suppresses nobody.
func TestEventsAtOtherAddresses(t *testing.T) {
	t.Parallel()
	for _, old := range []bool{false, true} {
		h := lab.NewHistory(lab.HistoryConfig{Seed: 1, People: 50, Others: 300, End: time.Unix(1755600000, 0), OldToo: old})
		elsewhere := 0
		for i := range h.Len() {
			e, err := webhook.Parse(h.Message(i).Body)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasSuffix(e.Recipient, "@example.net") && !strings.HasSuffix(e.Recipient, "@example.net>") {
				continue
			}
			elsewhere++
			if e.Identifiers.Email == "" || h.Suppression(i) != "" {
				t.Errorf("arrival %d suppresses %q: %s", i, h.Suppression(i), e.Raw)
			}
		}
		if (elsewhere > 0) == old {
			t.Errorf("OldToo %v: %d events at other addresses", old, elsewhere)
		}
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
