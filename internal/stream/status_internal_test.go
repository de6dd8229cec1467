package stream

import (
	"strings"
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

// The kind of fault: events wait, nobody asks for them, and status shows a lag as usual.
// The values are those of nats-server 2.15: Last is nil before the first delivery.
func TestStandingConsumer(t *testing.T) {
	t.Parallel()
	now := time.Now()
	ago := func(d time.Duration) *time.Time { at := now.Add(-d); return &at }
	held := []string{"consumer warehouse stands still: its position is lost"}
	for name, tt := range map[string]struct {
		info jetstream.ConsumerInfo
		held []string
		want int
	}{
		"no worker asks":          {info: jetstream.ConsumerInfo{NumPending: 46, Delivered: jetstream.SequenceInfo{Last: ago(2 * time.Minute)}}, want: 1},
		"never had a worker":      {info: jetstream.ConsumerInfo{NumPending: 46}, want: 1},
		"no event waits":          {info: jetstream.ConsumerInfo{Delivered: jetstream.SequenceInfo{Last: ago(time.Hour)}}},
		"a worker asks":           {info: jetstream.ConsumerInfo{NumPending: 1, NumWaiting: 1}},
		"a worker is busy":        {info: jetstream.ConsumerInfo{NumPending: 46, Delivered: jetstream.SequenceInfo{Last: ago(2 * time.Second)}}},
		"a worker acknowledges":   {info: jetstream.ConsumerInfo{NumPending: 46, AckFloor: jetstream.SequenceInfo{Last: ago(2 * time.Second)}}},
		"an attempt is due later": {info: jetstream.ConsumerInfo{NumAckPending: 1, Delivered: jetstream.SequenceInfo{Last: ago(12 * time.Minute)}}},
		"a worker has gone":       {info: jetstream.ConsumerInfo{NumAckPending: 1, Delivered: jetstream.SequenceInfo{Last: ago(16 * time.Minute)}}, want: 1},
		"paused":                  {info: jetstream.ConsumerInfo{NumPending: 46, Paused: true}},
		"named already":           {info: jetstream.ConsumerInfo{NumPending: 46}, held: held},
	} {
		tt.info.Name, tt.info.Created, tt.info.TimeStamp = "warehouse", now.Add(-time.Hour), now
		got := standing([]*jetstream.ConsumerInfo{&tt.info}, tt.held)
		if len(got) != tt.want || tt.want > 0 && !strings.Contains(got[0], "messages wait and no program asks for them: look at /readyz") {
			t.Errorf("%s: %q, want %d sentences", name, got, tt.want)
		}
	}
}
