package ingest

import (
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// maxKeys bounds the series per workspace: keys are two during a rotation.
const maxKeys = 8

type metrics struct {
	answers    [outcomeCount]prometheus.Counter
	publish    prometheus.Histogram
	keys       map[string][]prometheus.Counter
	lastSigned atomic.Int64 // unix seconds
}

func newMetrics(reg prometheus.Registerer, workspaces []Workspace, g *gate) *metrics {
	m := &metrics{keys: map[string][]prometheus.Counter{}}
	total := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "cioevents_ingest_answers_total",
		Help: "Calls answered, by outcome.",
	}, []string{"outcome"})
	for o := range outcomeCount { // all series exist before the first failure
		m.answers[o] = total.WithLabelValues(answers[o].name)
	}
	m.publish = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name:    "cioevents_ingest_publish_seconds",
		Help:    "Time from publishing a message to the stream's answer.",
		Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5},
	})
	matches := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "cioevents_ingest_key_matches_total",
		Help: "Signed calls, by workspace and by the place of the matching key in its list of keys.",
	}, []string{"workspace", "key"})
	for _, w := range workspaces {
		for key := range maxKeys {
			m.keys[w.Name] = append(m.keys[w.Name], matches.WithLabelValues(w.Name, strconv.Itoa(key)))
		}
	}
	reg.MustRegister(total, m.publish, matches,
		gauge("cioevents_ingest_in_flight", "Verified calls that are being stored.", func() float64 { return float64(g.taken.Load()) }),
		gauge("cioevents_ingest_last_signed_timestamp_seconds", "When the last call with a valid signature came, unix time; 0 for none.",
			func() float64 { return float64(m.lastSigned.Load()) }),
	)
	return m
}

func gauge(name, help string, value func() float64) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value)
}

// signed counts a call with a valid signature.
func (m *metrics) signed(workspace string, key int, now time.Time) {
	m.keys[workspace][min(key, maxKeys-1)].Inc()
	m.lastSigned.Store(now.Unix())
}
