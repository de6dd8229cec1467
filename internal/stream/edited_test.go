package stream_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
)

// edit changes the consumer as an operator does with the tool of NATS.
func edit(t *testing.T, srv *streamtest.Server, change func(*jetstream.ConsumerConfig)) {
	t.Helper()
	js := jetStream(t, srv)
	cons, err := js.Consumer(t.Context(), stream.Name, effects)
	if err != nil {
		t.Fatal(err)
	}
	cfg := cons.CachedInfo().Config
	change(&cfg)
	if _, err := js.UpdateConsumer(t.Context(), stream.Name, cfg); err != nil {
		t.Fatal(err)
	}
}

func config(t *testing.T, srv *streamtest.Server) jetstream.ConsumerConfig {
	t.Helper()
	cons, err := jetStream(t, srv).Consumer(t.Context(), stream.Name, effects)
	if err != nil {
		t.Fatal(err)
	}
	return cons.CachedInfo().Config
}

// An edited consumer gets its properties back, and the messages that it passed over.
func TestEditedConsumer(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*jetstream.ConsumerConfig){
		"max deliver":     func(cfg *jetstream.ConsumerConfig) { cfg.MaxDeliver = 1 },
		"filters":         func(cfg *jetstream.ConsumerConfig) { cfg.FilterSubjects = []string{"customerio.events.other.>"} },
		"ack wait":        func(cfg *jetstream.ConsumerConfig) { cfg.AckWait = time.Second },
		"max ack pending": func(cfg *jetstream.ConsumerConfig) { cfg.MaxAckPending = 1 },
		"headers only":    func(cfg *jetstream.ConsumerConfig) { cfg.HeadersOnly = true },
		"backoff":         func(cfg *jetstream.ConsumerConfig) { cfg.BackOff = []time.Duration{time.Hour} },
		"inactivity":      func(cfg *jetstream.ConsumerConfig) { cfg.InactiveThreshold = time.Hour },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := streamtest.Start(t)
			k := keep(t, srv)
			publishAll(t, k.conn, "a")
			k.waitFor("a")
			k.waitSettled(1)
			before := config(t, srv)
			edit(t, srv, change)
			k.wait("said", func() bool { return strings.Contains(k.logs.String(), "somebody has edited the consumer") })
			publishAll(t, k.conn, "b")
			k.waitFor("a", "b")
			after := config(t, srv)
			if after.MaxDeliver != before.MaxDeliver || after.AckWait != before.AckWait || after.MaxAckPending != before.MaxAckPending ||
				len(after.FilterSubjects) != 0 || after.HeadersOnly || after.InactiveThreshold != 0 || len(after.BackOff) != 0 {
				t.Errorf("configuration %+v, want %+v", after, before)
			}
		})
	}
}

// What the server drops while a consumer has a limit of deliveries comes back with the
// position before the edit.
func TestEditedConsumerLosesNothing(t *testing.T) {
	t.Parallel()
	srv := streamtest.Start(t)
	k := keep(t, srv)
	publishAll(t, k.conn, "a")
	k.waitFor("a")
	k.waitSettled(1)
	k.stop()
	// With filters for others the server passes over b.
	edit(t, srv, func(cfg *jetstream.ConsumerConfig) { cfg.FilterSubjects = []string{"customerio.events.other.>"} })
	publishAll(t, k.conn, "b")
	cons, err := jetStream(t, srv).Consumer(t.Context(), stream.Name, effects)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cons.FetchNoWait(1); err != nil {
		t.Fatal(err)
	}
	k = keep(t, srv)
	k.waitFor("b")
}

// A worker with other rules has other filters. Two versions leave each other's alone.
func TestAnotherVersionsFilters(t *testing.T) {
	t.Parallel()
	srv := streamtest.Start(t)
	k := keep(t, srv)
	publishAll(t, k.conn, "a")
	k.waitFor("a")
	newer := k.conn.NewDurable(stream.DurableConfig{Name: effects, Subjects: []string{"customerio.events.*.email.>"}, KeepFloor: true, CheckEvery: 10 * time.Millisecond})
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	go newer.Run(ctx)
	k.wait("newer filters", func() bool { return len(config(t, srv).FilterSubjects) == 2 })
	stop()
	publishAll(t, k.conn, "b")
	k.waitFor("a", "b")
	if got := config(t, srv).FilterSubjects; len(got) != 2 {
		t.Errorf("filters %v, want those of the newer worker", got)
	}
}

// A consumer that somebody has created with properties that the server never changes
// stands still.
func TestForeignConsumer(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]jetstream.ConsumerConfig{
		"no acks":  {Durable: effects, AckPolicy: jetstream.AckNonePolicy},
		"new only": {Durable: effects, AckPolicy: jetstream.AckExplicitPolicy, DeliverPolicy: jetstream.DeliverNewPolicy},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := streamtest.Start(t)
			k := keep(t, srv)
			publishAll(t, k.conn, "a", "b")
			k.waitFor("a", "b")
			k.waitSettled(2)
			deleteConsumer(t, srv)
			if _, err := jetStream(t, srv).CreateConsumer(t.Context(), stream.Name, cfg); err != nil {
				t.Fatal(err)
			}
			k.wait("stands still", func() bool {
				err := k.d.Ready()
				return err != nil && strings.Contains(err.Error(), "cioctl consumer start suppression --from 3")
			})
			publishAll(t, k.conn, "c")
			wants(t, "start", k.conn.StartConsumer(t.Context(), effects, 2), nil)
			k.waitFor("a", "b", "c")
		})
	}
}
