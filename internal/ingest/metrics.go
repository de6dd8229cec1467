package ingest

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cioevents/cioevents/pkg/webhook"
)

// maxKeys bounds the series of a workspace. During a rotation a workspace has two keys.
const maxKeys = 8

// other is the label for unknown words. The words come from outside, so without the
// bound a sender could create any number of series.
const other = "other"

type metrics struct {
	answers    [outcomeCount]prometheus.Counter
	publish    prometheus.Histogram
	ahead      prometheus.Gauge
	workspaces map[string]*workspaceMetrics
}

// workspaceMetrics are the series of a workspace. All series exist from the start, so
// that counting an event needs two map lookups only.
type workspaceMetrics struct {
	keys       [maxKeys]prometheus.Counter
	events     map[string]map[string]prometheus.Counter // by object type and metric
	lastSigned prometheus.Gauge
}

func newMetrics(reg prometheus.Registerer, workspaces []Workspace, g *gate, c *connections) *metrics {
	m := &metrics{workspaces: map[string]*workspaceMetrics{}}
	total := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "cioevents_ingest_answers_total",
		Help: "Calls answered, by outcome.",
	}, []string{"outcome"})
	for o := range outcomeCount { // every series exists before the first failure
		m.answers[o] = total.WithLabelValues(answers[o].name)
	}
	m.publish = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name:    "cioevents_ingest_publish_seconds",
		Help:    "Time from publishing a message to the stream's answer.",
		Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5},
	})
	m.ahead = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "cioevents_ingest_call_ahead_seconds",
		Help: "Timestamp of the last signed call minus the time of the clock. Above 0 the clock is slow; below 0 the call may be a retry.",
	})
	reg.MustRegister(total, m.publish, m.ahead, c.evicted.register(),
		gauge("cioevents_ingest_in_flight", "Verified calls that are being stored.", func() float64 { return float64(g.taken.Load()) }),
		gauge("cioevents_ingest_connections", "Open connections of the webhook listener.", func() float64 { return float64(c.open.Load()) }),
	)
	m.addWorkspaces(reg, workspaces)
	return m
}

// evictions counts connections that were closed to make room for others.
type evictions struct{ stranger, signed prometheus.Counter }

func (e *evictions) register() prometheus.Collector {
	total := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "cioevents_ingest_connections_evicted_total",
		Help: "Waiting connections closed to make room for others, by whether the connection has carried a signed call.",
	}, []string{"signed"})
	e.stranger, e.signed = total.WithLabelValues("false"), total.WithLabelValues("true")
	return total
}

func (e *evictions) count(signed bool) {
	if signed {
		e.signed.Inc()
	} else {
		e.stranger.Inc()
	}
}

func gauge(name, help string, value func() float64) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value)
}

func (m *metrics) addWorkspaces(reg prometheus.Registerer, workspaces []Workspace) {
	matches := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "cioevents_ingest_key_matches_total",
		Help: "Signed calls, by the index of the matching key in the workspace's list of keys.",
	}, []string{"workspace", "key"})
	events := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "cioevents_ingest_events_total",
		Help: "Events stored, by workspace, object type and metric; a duplicate is not counted.",
	}, []string{"workspace", "object_type", "metric"})
	last := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "cioevents_ingest_last_signed_timestamp_seconds",
		Help: "Unix time of the last call with a valid signature; 0 before the first call since the start.",
	}, []string{"workspace"})
	reg.MustRegister(matches, events, last)
	for _, w := range workspaces {
		series := &workspaceMetrics{events: map[string]map[string]prometheus.Counter{}, lastSigned: last.WithLabelValues(w.Name)}
		for key := range series.keys {
			series.keys[key] = matches.WithLabelValues(w.Name, strconv.Itoa(key))
		}
		for _, o := range append(webhook.ObjectTypes(), other) {
			series.events[string(o)] = map[string]prometheus.Counter{}
			for _, what := range append(webhook.Metrics(), other) {
				series.events[string(o)][string(what)] = events.WithLabelValues(w.Name, string(o), string(what))
			}
		}
		m.workspaces[w.Name] = series
	}
}

// signed counts a call with a valid signature.
func (m *metrics) signed(workspace string, key int, now time.Time) {
	series := m.workspaces[workspace]
	series.keys[min(key, maxKeys-1)].Inc()
	series.lastSigned.Set(float64(now.Unix()))
}

// stored counts an event.
func (m *metrics) stored(workspace, objectType, metric string) {
	events := m.workspaces[workspace].events
	byMetric, ok := events[objectType]
	if !ok {
		byMetric = events[other]
	}
	counter, ok := byMetric[metric]
	if !ok {
		counter = byMetric[other]
	}
	counter.Inc()
}
