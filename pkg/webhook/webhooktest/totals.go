package webhooktest

import "github.com/cioevents/cioevents/pkg/webhook"

// Totals are what a campaign amounts to, for a test to compare with what its own
// code has made of the events. People are counted once, whatever they did.
type Totals struct {
	Events int
	// Metrics counts events, Deliveries the deliveries with such an event: the
	// two differ where something happens twice.
	Metrics    map[webhook.Metric]int
	Deliveries map[webhook.Metric]int

	MachineOpens  int // events
	MachineClicks int // events

	HardBounced    int // people whose failure message says 550 5.1.1
	SoftBounced    int // people whose failure message says 452 4.2.2
	UnknownBounced int // people whose failure message says neither
	Complained     int // people, as are the following
	Unsubscribed   int
	Engaged        int // a human opened or clicked, not only a machine
}

// Totals counts the campaign without making its events.
func (c Campaign) Totals() Totals {
	t := Totals{
		Metrics:    make(map[webhook.Metric]int),
		Deliveries: make(map[webhook.Metric]int),
	}
	seen := make([]history, max(c.Deliveries, 0))
	for _, s := range c.withDefaults().plan() {
		t.count(s, &seen[s.delivery])
	}
	return t
}

// A history is what a delivery has been through.
type history struct {
	metrics uint16 // one bit each
	engaged bool
}

func (t *Totals) count(s step, h *history) {
	name := metrics[s.metric]
	t.Events++
	t.Metrics[name]++
	if bit := uint16(1) << s.metric; h.metrics&bit == 0 {
		h.metrics |= bit
		t.Deliveries[name]++
		t.countPerson(s)
	}
	switch {
	case s.metric != opened && s.metric != clicked:
	case s.variant != machine:
		if !h.engaged {
			h.engaged = true
			t.Engaged++
		}
	case s.metric == opened:
		t.MachineOpens++
	default:
		t.MachineClicks++
	}
}

// countPerson is called for the first event of a metric only.
func (t *Totals) countPerson(s step) {
	switch {
	case s.metric == spammed:
		t.Complained++
	case s.metric == unsubscribed:
		t.Unsubscribed++
	case s.variant == hard:
		t.HardBounced++
	case s.variant == soft:
		t.SoftBounced++
	case s.variant == unclear:
		t.UnknownBounced++
	}
}
