package worker_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/effect"
	"github.com/cioevents/cioevents/internal/fault"
	"github.com/cioevents/cioevents/internal/worker"
)

const otherRecipient = "cioevents_effects_other_recipient_total"

// sentTo returns an e-mail event of a message to the recipient.
func sentTo(recipient, metric string) []byte {
	return fmt.Appendf(nil, `{"event_id":"e","object_type":"email","metric":%q,"timestamp":1755600006,
		"data":{"identifiers":{"id":"42","email":"me@mine.example"},"recipient":%q,"failure_message":"550 5.1.1"}}`, metric, recipient)
}

// counted returns the count of a metric, and fails the test if a series is missing.
func counted(t *testing.T, reg *prometheus.Registry, metric string) int {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	series, count := 0, -1
	for _, f := range families {
		if f.GetName() != otherRecipient {
			continue
		}
		for _, m := range f.GetMetric() {
			series++
			labels := map[string]string{}
			for _, l := range m.GetLabel() {
				labels[l.GetName()] = l.GetValue()
			}
			if labels["workspace"] == "acme" && labels["metric"] == metric {
				count = int(m.GetCounter().GetValue())
			}
		}
	}
	if series != len(effect.RecipientMetrics()) {
		t.Errorf("%d series, want one for each metric", series)
	}
	return count
}

func TestOtherRecipientsAreCounted(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	others := worker.NewMetrics(reg).OtherRecipients("acme")
	if n := counted(t, reg, "bounced"); n != 0 {
		t.Errorf("at the start the count is %d", n)
	}
	away := fault.Outage(time.Second, errAway)
	p := &fakeProfiles{fn: func(effect.Call) error { return away }}
	h := suppression(p)
	h.OtherRecipients = others
	batch := attempts(
		sentTo("ops@other.example", "bounced"), sentTo("Me <ME@mine.example>", "bounced"),
		sentTo("ops@other.example", "bounced"), sentTo("ops@other.example", "spammed"), sentTo("ops@other.example", "unsubscribed"),
	)
	if _, whole := handled(t, h, batch); !fault.IsOutage(whole) {
		t.Fatalf("error %v, want an outage", whole)
	}
	if n := counted(t, reg, "bounced"); n != 0 {
		t.Errorf("a batch that comes again counts %d events", n)
	}
	away = nil
	errs, whole := handled(t, h, batch)
	for i, err := range errs {
		if err != nil || whole != nil {
			t.Errorf("message %d: %v, %v", i, err, whole)
		}
	}
	if bounced, spammed := counted(t, reg, "bounced"), counted(t, reg, "spammed"); bounced != 2 || spammed != 1 {
		t.Errorf("%d bounces and %d complaints, want 2 and 1", bounced, spammed)
	}

	dry := &worker.LogOnly{Plan: h.Plan, Workspace: "acme", Log: zerolog.Nop(), OtherRecipients: others}
	handled(t, dry, batch)
	if n := counted(t, reg, "bounced"); n != 4 {
		t.Errorf("a dry run adds %d, want 2", n-2)
	}
}

func TestBulkCountsOtherRecipients(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	p := &fakeProfiles{whole: fault.Outage(time.Second, errAway)}
	h := engagement(p)
	h.OtherRecipients = worker.NewMetrics(reg).OtherRecipients("acme")
	batch := attempts(
		sentTo("ops@other.example", "opened"), sentTo("me@mine.example", "opened"), sentTo("ops@other.example", "clicked"),
		sentTo("ops@other.example", "opened"), []byte(`{`),
	)
	take := h.Gather()
	for i := range 3 {
		take(&batch[i])
	}
	if _, whole := handled(t, h, batch); !fault.IsOutage(whole) {
		t.Fatalf("error %v, want an outage", whole)
	}
	p.whole = nil
	if _, whole := handled(t, h, batch); whole != nil {
		t.Fatal(whole)
	}
	if opened, clicked := counted(t, reg, "opened"), counted(t, reg, "clicked"); opened != 2 || clicked != 1 {
		t.Errorf("%d opens and %d clicks, want 2 and 1", opened, clicked)
	}
}
