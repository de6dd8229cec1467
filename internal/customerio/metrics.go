package customerio

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cioevents/cioevents/internal/effect"
)

// batchCall is the label of a batch, beside the kinds of calls.
const batchCall = "batch"

// Metrics are the instruments of this package.
type Metrics struct {
	calls    *prometheus.CounterVec
	items    *prometheus.CounterVec
	duration *prometheus.HistogramVec
	states   states
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
		states: states{clients: map[string]*Client{}},
	}
	for _, name := range []string{string(effect.Identify), string(effect.Suppress), string(effect.Track), batchCall} {
		m.duration.WithLabelValues(name)
		for _, o := range outcomes() {
			m.calls.WithLabelValues(name, string(o))
		}
	}
	for _, o := range []outcome{outcomeOK, outcomeRejected} {
		m.items.WithLabelValues(string(o))
	}
	reg.MustRegister(m.calls, m.items, m.duration, &m.states)
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

func (m *Metrics) watch(workspace string, c *Client) {
	m.states.mu.Lock()
	defer m.states.mu.Unlock()
	m.states.clients[workspace] = c
}

// states is a collector of the clients' circuits and rates.
type states struct {
	mu      sync.Mutex
	clients map[string]*Client
}

var (
	downDesc = prometheus.NewDesc("cioevents_track_down",
		"1 while no calls are made because the API is down or refuses the configuration, by cause.", []string{"workspace", "cause"}, nil)
	rateDesc = prometheus.NewDesc("cioevents_track_rate",
		"Current limit of calls a second.", []string{"workspace"}, nil)
)

// Describe implements prometheus.Collector.
func (*states) Describe(ch chan<- *prometheus.Desc) {
	ch <- downDesc
	ch <- rateDesc
}

// Collect implements prometheus.Collector.
func (s *states) Collect(ch chan<- prometheus.Metric) {
	s.mu.Lock()
	defer s.mu.Unlock()
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	for workspace, c := range s.clients {
		config, _, cause := c.circuit.state()
		down := map[bool]float64{}
		if cause != nil {
			down[config] = 1
		}
		gauge(downDesc, down[false], workspace, "outage")
		gauge(downDesc, down[true], workspace, "configuration")
		gauge(rateDesc, c.pace.perSecond(), workspace)
	}
}
