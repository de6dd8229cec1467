package webhooktest

import (
	"slices"

	"github.com/cioevents/cioevents/pkg/webhook"
)

// Totals are the expected numbers of a campaign. A test compares the totals with the
// result of its own code. A number of people counts each person once, whatever the person
// did.
type Totals struct {
	Events int
	// Metrics counts the events of each metric. Deliveries counts the deliveries with
	// an event of the metric: a message that is opened twice counts once.
	Metrics    map[webhook.Metric]int
	Deliveries map[webhook.Metric]int

	MachineOpens  int // events
	MachineClicks int // events

	HardBounced    int // people whose failure message says 550 5.1.1
	SoftBounced    int // people whose failure message says 452 4.2.2
	UnknownBounced int // people whose failure message says neither code
	Complained     int // people, like the following numbers
	Unsubscribed   int
	Engaged        int // people who opened or clicked themselves, not only a machine
}

// Totals counts the campaign's events without writing their bodies.
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

// A history is the past of a delivery.
type history struct {
	metrics []webhook.Metric
	engaged bool
}

func (t *Totals) count(s step, h *history) {
	t.Events++
	t.Metrics[s.metric]++
	if !slices.Contains(h.metrics, s.metric) {
		h.metrics = append(h.metrics, s.metric)
		t.Deliveries[s.metric]++
		t.countPerson(s)
	}
	switch {
	case s.metric != webhook.Opened && s.metric != webhook.Clicked:
	case s.variant != machine:
		if !h.engaged {
			h.engaged = true
			t.Engaged++
		}
	case s.metric == webhook.Opened:
		t.MachineOpens++
	default:
		t.MachineClicks++
	}
}

// countPerson counts a person. count calls countPerson for the first event of a metric
// only.
func (t *Totals) countPerson(s step) {
	switch {
	case s.metric == webhook.Spammed:
		t.Complained++
	case s.metric == webhook.Unsubscribed:
		t.Unsubscribed++
	case s.variant == hard:
		t.HardBounced++
	case s.variant == soft:
		t.SoftBounced++
	case s.variant == unclear:
		t.UnknownBounced++
	}
}
