package customerio

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cioevents/cioevents/internal/effect"
)

// Metrics are the instruments of this package. A nil *Metrics counts nothing.
type Metrics struct {
	calls    *prometheus.CounterVec
	duration *prometheus.HistogramVec
}

// NewMetrics makes the instruments, registers them, and sets every series to
// zero. It panics when reg has them already.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cioevents_track_calls_total",
			Help: "Calls to Customer.io's Track API, by call and outcome.",
		}, []string{"call", "outcome"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "cioevents_track_call_duration_seconds",
			Help:    "Time from the sending of a call to the end of its answer.",
			Buckets: []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"call"}),
	}
	for _, kind := range []effect.Kind{effect.Identify, effect.Suppress} {
		m.duration.WithLabelValues(string(kind))
		for _, outcome := range Outcomes() {
			m.calls.WithLabelValues(string(kind), string(outcome))
		}
	}
	reg.MustRegister(m.calls, m.duration)
	return m
}

// refused counts a call that was not sent.
func (m *Metrics) refused(kind effect.Kind) {
	if m != nil {
		m.calls.WithLabelValues(string(kind), string(OutcomeRejected)).Inc()
	}
}

func (m *Metrics) answered(kind effect.Kind, outcome Outcome, took time.Duration) {
	if m != nil {
		m.calls.WithLabelValues(string(kind), string(outcome)).Inc()
		m.duration.WithLabelValues(string(kind)).Observe(took.Seconds())
	}
}
