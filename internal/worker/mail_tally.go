package worker

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// A tally counts what a complaint rate needs, without Gmail.
type tally struct{ delivered, complained atomic.Int64 }

// A tallied counter also counts in a tally.
type tallied struct {
	prometheus.Counter
	n *atomic.Int64
}

// Inc implements prometheus.Counter.
func (t tallied) Inc() {
	t.Counter.Inc()
	t.n.Add(1)
}

// of adds the tally to the counter of an outcome, if the outcome counts in the tally.
func (t *tally) of(provider, outcome string, c prometheus.Counter) prometheus.Counter {
	switch {
	case !warehouse.ReportsComplaints(provider):
		return c
	case outcome == string(webhook.Delivered):
		return tallied{c, &t.delivered}
	case outcome == complained:
		return tallied{c, &t.complained}
	default:
		return c
	}
}

// Tally calls fn with the e-mails of each known workspace since the start that mailbox
// providers other than Gmail have accepted, and with the spam complaints.
func (m *Mail) Tally(fn func(workspace string, delivered, complaints int64)) {
	for workspace, t := range m.tallies {
		fn(workspace, t.delivered.Load(), t.complained.Load())
	}
}
