package stream_test

import (
	"context"
	"maps"
	"math"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/fault"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
)

// often is the pause between readings of a test that waits for the next reading.
const often = 5 * time.Millisecond

// watching runs a Watch until the test ends, and returns a registry of its
// instruments.
func watching(t *testing.T, conn *stream.Conn, cfg stream.WatchConfig) *prometheus.Registry {
	t.Helper()
	w := conn.NewWatch(cfg)
	reg := prometheus.NewRegistry()
	reg.MustRegister(w)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.Run(ctx)
	}()
	t.Cleanup(func() {
		stop()
		<-done
	})
	return reg
}

// gather returns the series, with names without the prefix.
func gather(t *testing.T, reg *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	series := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := strings.TrimPrefix(f.GetName(), "cioevents_")
			for _, l := range m.GetLabel() {
				name += " " + l.GetValue()
			}
			series[name] = m.GetGauge().GetValue()
			if name == "dead_stream_bytes" { // the tests know only whether it is empty
				series[name] = min(series[name], 1)
			}
			if name == "dead_letters_oldest_seconds" { // the tests know the hour only
				series[name] = math.Floor(series[name]/3600) * 3600
			}
		}
	}
	return series
}

// eventually waits for the wanted series, and fails the test when they do not appear.
func eventually(t *testing.T, reg *prometheus.Registry, want map[string]float64) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(10 * time.Second)
	for {
		got := gather(t, reg)
		if maps.Equal(want, got) {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("instruments (-want +got):\n%s", cmp.Diff(want, got))
		}
	}
}

func TestWatch(t *testing.T) {
	t.Parallel()
	conn := streamtest.Start(t).Connect(stream.Settings{MaxBytes: 1 << 20, DeadMaxBytes: 1 << 20, MaxAge: 48 * time.Hour})
	p := publisher(t, conn)
	bounced := message("4")
	bounced.Metric = "bounced"
	for _, m := range []*event.Message{message("1"), message("2"), message("3"), bounced} {
		publish(t, p, m)
	}
	for _, reason := range []fault.Reason{fault.ReasonPanic, fault.ReasonHeldSuppression} {
		if err := p.StoreDeadLetter(t.Context(), &event.DeadLetter{Message: *message(string(reason)), From: "all", Reason: reason}); err != nil {
			t.Fatal(err)
		}
	}
	all, few := open(t, conn, "all", stream.AllEvents), open(t, conn, "few", "customerio.events.*.*.spammed", "customerio.events.*.*.bounced")
	open(t, conn, "none", "customerio.events.*.*.spammed")
	open(t, conn, "unwatched", stream.AllEvents)
	now := time.Now().Add(time.Hour)
	reg := watching(t, conn, stream.WatchConfig{
		Consumers: []string{"all", "few", "none"}, Every: often, Now: func() time.Time { return now },
	})
	attempts, bounce := fetch(t, all, 2), fetch(t, few, 2)

	age := func(a event.Attempt) float64 { return now.Sub(a.StoredAt).Seconds() }
	want := map[string]float64{
		"consumer_lag all": 4, "consumer_ack_pending all": 2, "oldest_unacked_seconds all": age(attempts[0]),
		"consumer_lag few": 1, "consumer_ack_pending few": 1, "oldest_unacked_seconds few": age(bounce[0]),
		"consumer_lag none": 0, "consumer_ack_pending none": 0, "oldest_unacked_seconds none": 0,
		"stream_messages": 4, "stream_bytes": float64(status(t, conn).Stream.Bytes),
		"stream_max_bytes": 1 << 20, "stream_max_age_seconds": 48 * 3600,
		"consumer_paused_seconds all": 0, "consumer_paused_seconds few": 0, "consumer_paused_seconds none": 0,
		"dead_stream_bytes": 1, "dead_stream_max_bytes": 1 << 20,
		"dead_letters": 2, "held_suppressions": 1, "dead_letters_oldest_seconds": 3600,
	}
	eventually(t, reg, want)

	// The second message is settled first; the first remains the oldest unsettled
	// message.
	settle(t, attempts[1])
	want["consumer_lag all"], want["consumer_ack_pending all"] = 3, 1
	eventually(t, reg, want)
	settle(t, attempts[0])
	rest := fetch(t, all, 10)
	want["consumer_lag all"], want["consumer_ack_pending all"], want["oldest_unacked_seconds all"] = 2, 2, age(rest[0])
	eventually(t, reg, want)
	for _, a := range slices.Concat(rest, bounce) {
		settle(t, a)
	}
	for _, name := range []string{"all", "few"} {
		want["consumer_lag "+name], want["consumer_ack_pending "+name], want["oldest_unacked_seconds "+name] = 0, 0, 0
	}
	eventually(t, reg, want)
}

func settle(t *testing.T, a event.Attempt) {
	t.Helper()
	if err := a.Settle.AckSync(); err != nil {
		t.Fatal(err)
	}
}

// An outage appears as a gap, not as a straight line of old numbers, and does not
// delay a scrape.
func TestWatchDropsOldReadings(t *testing.T) {
	t.Parallel()
	srv := streamtest.Start(t)
	conn := srv.Connect(stream.Settings{})
	open(t, conn, "all", stream.AllEvents)
	start := time.Now()
	var passed atomic.Int64
	reg := watching(t, conn, stream.WatchConfig{
		Consumers: []string{"all"}, Every: often, Now: func() time.Time { return start.Add(time.Duration(passed.Load())) },
	})
	want := map[string]float64{
		"consumer_lag all": 0, "consumer_ack_pending all": 0, "consumer_paused_seconds all": 0, "oldest_unacked_seconds all": 0,
		"stream_messages": 0, "stream_bytes": 0, "stream_max_bytes": 0, "stream_max_age_seconds": 720 * 3600,
		"dead_letters": 0, "dead_stream_bytes": 0, "dead_stream_max_bytes": 0, "held_suppressions": 0, "dead_letters_oldest_seconds": 0,
	}
	eventually(t, reg, want)
	srv.Stop()
	passed.Store(int64(59 * time.Second))
	if diff := cmp.Diff(want, gather(t, reg)); diff != "" {
		t.Errorf("after 59 s (-want +got):\n%s", diff)
	}
	passed.Store(int64(61 * time.Second))
	eventually(t, reg, map[string]float64{})
	srv.Restart()
	eventually(t, reg, want)
}

// A Watch reports a new consumer soon, before its next usual reading.
func TestWatchBeforeTheConsumer(t *testing.T) {
	t.Parallel()
	conn := streamtest.Start(t).Connect(stream.Settings{})
	reg := watching(t, conn, stream.WatchConfig{Consumers: []string{"all"}})
	without := map[string]float64{
		"stream_messages": 0, "stream_bytes": 0, "stream_max_bytes": 0, "stream_max_age_seconds": 720 * 3600,
		"dead_letters": 0, "dead_stream_bytes": 0, "dead_stream_max_bytes": 0, "held_suppressions": 0, "dead_letters_oldest_seconds": 0,
	}
	eventually(t, reg, without)
	open(t, conn, "all", stream.AllEvents)
	with := maps.Clone(without)
	with["consumer_lag all"], with["consumer_ack_pending all"], with["consumer_paused_seconds all"], with["oldest_unacked_seconds all"] = 0, 0, 0, 0
	eventually(t, reg, with)
}
