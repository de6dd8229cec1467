package customerio

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cioevents/cioevents/internal/effect"
)

// Labels of calls beside the kinds of effects: a batch, and the question for the region
// that a client asks at the start and while the circuit is open.
const (
	batchCall  = "batch"
	regionCall = "region"
)

// Metrics are the instruments of this package.
type Metrics struct {
	calls    *prometheus.CounterVec
	items    *prometheus.CounterVec
	duration *prometheus.HistogramVec
	reg      prometheus.Registerer
}

// NewMetrics creates and registers the instruments, and sets every series to zero.
// NewMetrics panics when reg has the instruments already.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cioevents_track_calls_total",
			Help: "Calls to Customer.io's Track API, by call and outcome; a batch counts as one call.",
		}, []string{"call", "outcome"}),
		items: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cioevents_track_batch_items_total",
			Help: "Updates and events sent in batches, by outcome.",
		}, []string{"outcome"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "cioevents_track_call_duration_seconds",
			Help:    "Time from sending a call to the end of its answer.",
			Buckets: []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"call"}),
		reg: reg,
	}
	for _, name := range []string{string(effect.Identify), string(effect.Suppress), string(effect.Track), batchCall, regionCall} {
		m.duration.WithLabelValues(name)
		for _, o := range outcomes() {
			m.calls.WithLabelValues(name, string(o))
		}
	}
	for _, o := range []outcome{outcomeOK, outcomeRejected} {
		m.items.WithLabelValues(string(o))
	}
	reg.MustRegister(m.calls, m.items, m.duration)
	return m
}

// refused counts a call that was not sent.
func (m *Metrics) refused(kind effect.Kind) {
	m.calls.WithLabelValues(string(kind), string(outcomeRejected)).Inc()
}

func (m *Metrics) answered(name string, o outcome, took time.Duration) {
	m.calls.WithLabelValues(name, string(o)).Inc()
	m.duration.WithLabelValues(name).Observe(took.Seconds())
}

// settled counts n items of a batch.
func (m *Metrics) settled(o outcome, n int) {
	m.items.WithLabelValues(string(o)).Add(float64(n))
}

// watch registers the gauges of a workspace's client. A workspace has one client.
func (m *Metrics) watch(workspace string, c *Client) {
	gauge := func(name, help string, labels prometheus.Labels, value func() float64) {
		labels["workspace"] = workspace
		m.reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help, ConstLabels: labels}, value))
	}
	for cause, ofConfig := range map[string]bool{"outage": false, "configuration": true} {
		gauge("cioevents_track_down", "1 while no calls are made because the API is down or refuses the configuration, by cause.",
			prometheus.Labels{"cause": cause}, func() float64 {
				if config, _, cause := c.circuit.state(); cause == nil || config != ofConfig {
					return 0
				}
				return 1
			})
	}
	gauge("cioevents_track_rate", "Current limit of calls a second.", prometheus.Labels{}, c.pace.perSecond)
}
