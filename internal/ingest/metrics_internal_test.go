package ingest

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

func newTestMetrics() *metrics {
	return newMetrics(prometheus.NewRegistry(), []Workspace{{Name: "default"}}, &gate{}, &connections{})
}

// Counting happens once per event and must not allocate.
func TestCountingAllocatesNothing(t *testing.T) { //nolint:paralleltest // AllocsPerRun counts those of the whole process
	m := newTestMetrics()
	for _, words := range [][2]string{{"email", "opened"}, {"pigeon", "admired"}, {"", ""}} {
		if n := testing.AllocsPerRun(100, func() { m.stored("default", words[0], words[1]) }); n != 0 {
			t.Errorf("counting %q allocates %v times", words, n)
		}
	}
}

func BenchmarkCount(b *testing.B) {
	m := newTestMetrics()
	for _, bm := range []struct{ name, objectType, metric string }{{"known", "email", "opened"}, {"other", "pigeon", "admired"}} {
		b.Run(bm.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				m.stored("default", bm.objectType, bm.metric)
			}
		})
	}
}
