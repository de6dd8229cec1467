package stream_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// A backfilled event reaches warehouses only: no consumer with a filter of events, whatever
// the words, and no replay to such a consumer.
func TestBackfillReachesOnlyWarehouses(t *testing.T) {
	t.Parallel()
	conn := streamtest.Start(t).Connect(stream.Settings{})
	p := publisher(t, conn)
	warehouse := open(t, conn, "warehouse", stream.AllEvents)
	open(t, conn, "suppression", stream.EventsOf("", webhook.Metrics())...)
	open(t, conn, "engagement-acme", stream.EventsOf("acme", webhook.Metrics())...)
	for name, subjects := range map[string][]string{
		"slack": stream.Select(nil, nil, nil), "crm": stream.Select([]string{"backfill", "acme"}, nil, nil), "all": {stream.AllEvents},
	} {
		if _, err := conn.CreateForeign(t.Context(), stream.ForeignConsumer{Name: name, Subjects: subjects}); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{}
	for _, metric := range webhook.Metrics() {
		m := message("backfill:D:" + string(metric))
		m.Metric = string(metric)
		want = append(want, m.ID)
		for i, repeated := range []bool{false, true} {
			if duplicate, err := p.Backfill(t.Context(), m); err != nil || duplicate != repeated {
				t.Fatalf("Backfill %d = %v, %v", i, duplicate, err)
			}
		}
	}
	got := fetch(t, warehouse, 100)
	if !slices.Equal(ids(got), want) || got[0].Workspace != "acme" || got[0].ObjectType != "email" || got[0].Metric == "" {
		t.Errorf("the warehouse gets %v, want %v; the first is %+v", ids(got), want, got[0].Message)
	}
	consumers := status(t, conn).Consumers
	for _, c := range consumers {
		if len(consumers) != 6 || c.Name != "warehouse" && c.Lag > 0 {
			t.Errorf("%d events wait for %s of %d consumers", c.Lag, c.Name, len(consumers))
		}
	}

	publish(t, p, message("a"))
	for name, subjects := range map[string][]string{"default": nil, "filter": stream.Select(nil, nil, nil), "metrics": stream.EventsOf("", webhook.Metrics())} {
		r, source := startReplay(t, conn, stream.ReplayRequest{Target: "suppression", Subjects: subjects})
		if got := ids(replayed(t, source, 100)); r.Total != 1 || !slices.Equal(got, []string{"a"}) {
			t.Errorf("a replay with %s has %d events: %v", name, r.Total, got)
		}
	}
	opened := stream.WithBackfill(stream.Select(nil, nil, []string{"opened", "sent"}))
	r, source := startReplay(t, conn, stream.ReplayRequest{Target: "warehouse", Subjects: opened})
	if got := ids(replayed(t, source, 100)); r.Total != 3 || len(got) != 3 {
		t.Errorf("a replay to the warehouse has %d events: %v", r.Total, got)
	}
}

// A stream and a consumer of an older release: the programs stay ready, CheckBackfill says
// what to do, and after that the consumer goes on where it stood.
func TestBackfillAfterUpgrade(t *testing.T) {
	t.Parallel()
	srv := streamtest.Start(t)
	nc := client(t, srv)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{
		Name: stream.Name, Subjects: []string{"customerio.events.>", "customerio.redrive.>"}, Discard: jetstream.DiscardNew,
		MaxAge: 720 * time.Hour, Duplicates: 2 * time.Hour, Description: "old",
	}); err != nil {
		t.Fatal(err)
	}
	conn := srv.Connect(stream.Settings{})
	if problems, err := conn.Ensure(t.Context(), stream.Settings{}); err != nil || len(problems) > 0 {
		t.Fatalf("Ensure = %q, %v", problems, err)
	}
	if err := conn.Ready(t.Context()); err != nil {
		t.Error(err)
	}
	old, err := js.CreateConsumer(t.Context(), stream.Name, jetstream.ConsumerConfig{
		Durable: "warehouse", FilterSubjects: []string{stream.AllEvents, "customerio.redrive.warehouse.>"}, AckPolicy: jetstream.AckExplicitPolicy,
		AckWait: stream.AckWait, MaxAckPending: 500_000, MaxDeliver: -1,
	})
	if err != nil {
		t.Fatal(err)
	}
	p := publisher(t, conn)
	publish(t, p, message("a"))
	publish(t, p, message("b"))
	a, err := old.Next()
	if err != nil {
		t.Fatal(err)
	}
	if err := a.DoubleAck(t.Context()); err != nil {
		t.Fatal(err)
	}

	refused := func(want string) {
		t.Helper()
		if err := conn.CheckBackfill(t.Context(), "warehouse"); !errors.Is(err, stream.ErrNoBackfill) || !strings.Contains(err.Error(), want) {
			t.Errorf("CheckBackfill = %v, want %q", err, want)
		}
	}
	refused("run cioctl stream apply")
	for range 2 { // twice changes nothing
		if err := conn.Apply(t.Context(), stream.Settings{}, false); err != nil {
			t.Fatal(err)
		}
	}
	refused("start a worker of this release")
	d := conn.NewDurable(stream.DurableConfig{Name: "warehouse", Subjects: []string{stream.AllEvents}, CheckEvery: 10 * time.Millisecond})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go d.Run(ctx)
	within(t, "ready", func() bool { return d.Ready() == nil })
	if err := conn.CheckBackfill(t.Context(), "warehouse"); err != nil {
		t.Error(err)
	}
	if _, err := p.Backfill(t.Context(), message("backfill:D:opened")); err != nil {
		t.Fatal(err)
	}
	if got := ids(fetch(t, open(t, conn, "warehouse", stream.AllEvents), 10)); !slices.Equal(got, []string{"b", "backfill:D:opened"}) {
		t.Errorf("the consumer gets %v, want b and the backfilled event", got)
	}
	if err := conn.CheckBackfill(t.Context(), "warehouse-none"); !errors.Is(err, stream.ErrNoBackfill) {
		t.Errorf("without a consumer: %v", err)
	}
}
