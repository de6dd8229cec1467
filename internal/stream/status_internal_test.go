package stream

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
)

// Two servers answer for one consumer. The scrape succeeds with the later answer.
func TestTwoAnswersForOneConsumer(t *testing.T) {
	t.Parallel()
	now := time.Now()
	info := func(name string, at time.Time, pending uint64) *jetstream.ConsumerInfo {
		return &jetstream.ConsumerInfo{Name: name, TimeStamp: at, NumPending: pending}
	}
	infos := distinct([]*jetstream.ConsumerInfo{info("b", now, 1), info("a", now, 2), info("b", now.Add(time.Second), 3)})
	w := &Watch{cfg: WatchConfig{Now: time.Now}, last: &reading{at: now, stream: &jetstream.StreamInfo{}, consumers: infos}}
	registry := prometheus.NewRegistry()
	registry.MustRegister(w)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "cioevents_consumer_lag" && (len(f.GetMetric()) != 2 || f.GetMetric()[1].GetGauge().GetValue() != 3) {
			t.Errorf("lag is %v, want 2 for a and 3 for b", f.GetMetric())
		}
	}
}
