package doctor_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/cioevents/cioevents/internal/doctor"
	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/fault"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
)

// publish stores events of 1,000 bytes until the stream is full, n at most.
func publish(t *testing.T, conn *stream.Conn, n int) (p *stream.Publisher) {
	t.Helper()
	p, err := stream.NewPublisher(conn, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	for i := range n {
		m := &event.Message{Workspace: "acme", ID: fmt.Sprint(i), ObjectType: "email", Metric: "opened", ReceivedAt: time.Now(), Body: make([]byte, 1000)}
		if _, err := p.Publish(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

// jetStream connects without this project's code, as another program.
func jetStream(t *testing.T, srv *streamtest.Server) jetstream.JetStream {
	t.Helper()
	nc, err := nats.Connect(srv.URL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	return js
}

// The kind of fault: somebody has edited the stream.
func TestForeignSettings(t *testing.T) {
	t.Parallel()
	srv := streamtest.Start(t)
	srv.Connect(stream.Settings{MaxBytes: 1 << 20})
	shows(
		t, found(t, doctor.StreamChecks(connect(t, srv, ""))),
		"stream settings: ok both streams are as the programs create them", "stream size: ok 0 events, 0 % full",
	)
	js := jetStream(t, srv)
	st, err := js.Stream(t.Context(), stream.Name)
	if err != nil {
		t.Fatal(err)
	}
	cfg := st.CachedInfo().Config
	cfg.Discard, cfg.MaxConsumers = jetstream.DiscardOld, 0
	cfg.AllowRollup = true
	if _, err := js.UpdateStream(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	shows(
		t, found(t, doctor.StreamChecks(connect(t, srv, ""))),
		"stream settings: fail stream CUSTOMERIO: discard policy is DiscardOld, wanted is DiscardNew: a full stream deletes its oldest messages, handled or not → to change the stream, run cioctl stream apply",
		"stream settings: warn stream CUSTOMERIO: rollups is true, wanted is false: a header of a message can delete other messages → ",
	)
	srv.DeleteStream(stream.DeadName)
	shows(t, found(t, doctor.StreamChecks(connect(t, srv, ""))), "stream settings: fail stream CUSTOMERIO_DEAD is missing, with any dead letters that it had: ", "→ without a worker, run cioctl stream apply")
	srv.DeleteStream(stream.Name)
	shows(t, found(t, doctor.StreamChecks(connect(t, srv, ""))), "stream settings: fail look up stream CUSTOMERIO: ", "→ a missing stream is created by the worker that starts next, or by cioctl stream apply")
}

// The kind of fault: without a running worker nobody compares the settings. What is not set
// here may be set there.
func TestConfiguredStream(t *testing.T) {
	t.Parallel()
	srv := streamtest.Start(t)
	srv.Connect(stream.Settings{MaxBytes: 1 << 20, MaxAge: 24 * time.Hour})
	b := connect(t, srv, "")
	isAge := func(name string) bool { return name == "STREAM_MAX_AGE" }
	for age, want := range map[time.Duration]string{
		24 * time.Hour: "ok both streams have the settings that are set here",
		48 * time.Hour: "warn stream CUSTOMERIO differs from the configuration: STREAM_MAX_AGE is 24h, configured is 48h → to change the stream, run cioctl stream apply",
	} {
		shows(t, found(t, []doctor.Check{doctor.ConfiguredCheck(b, stream.Settings{MaxAge: age, Replicas: 3}, isAge)}), "stream configured: "+want)
	}
}

// The kind of fault: a stream fills up, and refuses every event when it is full.
func TestStreamFillsUp(t *testing.T) {
	t.Parallel()
	for events, want := range map[int]string{
		50: "ok 50 events, ", 90: "warn stream CUSTOMERIO is 9", 97: "fail stream CUSTOMERIO is ",
	} {
		srv := streamtest.Start(t)
		conn := srv.Connect(stream.Settings{MaxBytes: 100 * sizeOf(t)})
		publish(t, conn, events)
		got := found(t, doctor.StreamChecks(connect(t, srv, "")))
		shows(t, got, "stream size: "+want)
		if events >= 90 {
			shows(t, got, "ingest answers 503 to every event that does not fit → raise STREAM_MAX_BYTES, then run cioctl stream apply with all settings")
		}
	}
}

// sizeOf returns the size of an event of publish on the disk, in bytes.
func sizeOf(t *testing.T) int64 {
	t.Helper()
	srv := streamtest.Start(t)
	conn := srv.Connect(stream.Settings{})
	publish(t, conn, 100)
	s, err := conn.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return int64(s.Stream.Bytes / 100)
}

// durable runs a worker's consumer of all events until the returned function is called.
func durable(t *testing.T, conn *stream.Conn, name string) (d *stream.Durable, stop func()) {
	t.Helper()
	d = conn.NewDurable(stream.DurableConfig{Name: name, Subjects: []string{stream.AllEvents}})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		d.Run(ctx)
		close(done)
	}()
	for tick := time.Tick(10 * time.Millisecond); d.Ready() != nil; <-tick {
	}
	return d, func() {
		cancel()
		<-done
	}
}

// The kind of fault: events wait. Nobody asks for them, or a worker is too slow.
func TestLag(t *testing.T) {
	t.Parallel()
	srv := streamtest.Start(t)
	conn := srv.Connect(stream.Settings{})
	shows(t, found(t, doctor.WorkChecks(connect(t, srv, ""), time.Now)), "work consumers: fail there is no consumer: no worker has started → start a worker", "work newest event: ok no event yet")

	d, stop := durable(t, conn, "warehouse")
	shows(t, found(t, doctor.WorkChecks(connect(t, srv, ""), time.Now)), "work consumers: ok warehouse: no event waits")
	publish(t, conn, 200)
	shows(
		t, found(t, doctor.WorkChecks(connect(t, srv, ""), time.Now)),
		"work consumers: fail warehouse: lag of 200 events, the oldest for ", "; 0 a second are settled, and no worker asks for them → start a worker that has this consumer (WORKER_CONSUMERS)",
		"work newest event: ok stored ",
	)

	ctx, cancel := context.WithCancel(t.Context())
	working := make(chan struct{})
	go func() {
		defer close(working)
		for tick := time.Tick(50 * time.Millisecond); ctx.Err() == nil; <-tick {
			attempts, _ := d.Fetch(ctx, event.Limits{Messages: 1, Bytes: 1 << 20, Wait: time.Second})
			for i := range attempts {
				_ = attempts[i].Settle.Ack()
			}
		}
	}()
	late := func() time.Time { return time.Now().Add(2 * time.Hour) }
	got := found(t, doctor.WorkChecks(connect(t, srv, ""), late))
	shows(
		t, got, "work consumers: warn warehouse: lag of 1", " events, the oldest for 2h0m", " a second are settled → look at the log of the workers for the cause; without one, start more workers",
		"work newest event: warn stored 2h0m",
	)
	if strings.Contains(got, "; 0 a second") {
		t.Errorf("no rate of a worker that works:\n%s", got)
	}
	shows(t, found(t, doctor.WorkChecks(connect(t, srv, ""), time.Now)), "work consumers: ok warehouse: lag of 1")
	cancel()
	<-working
	stop()
}

// Consumers that somebody has edited or created, and paused ones, are named.
func TestConsumersByHand(t *testing.T) {
	t.Parallel()
	srv := streamtest.Start(t)
	conn := srv.Connect(stream.Settings{})
	for _, name := range []string{"suppression", "engagement"} {
		_, stop := durable(t, conn, name)
		stop()
	}
	publish(t, conn, 3)
	js := jetStream(t, srv)
	cons, err := js.Consumer(t.Context(), stream.Name, "suppression")
	if err != nil {
		t.Fatal(err)
	}
	cfg := cons.CachedInfo().Config
	cfg.MaxAckPending = 7
	if _, err := js.UpdateConsumer(t.Context(), stream.Name, cfg); err != nil {
		t.Fatal(err)
	}
	if _, err := js.PauseConsumer(t.Context(), stream.Name, "engagement", time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if _, err := js.CreateConsumer(t.Context(), stream.Name, jetstream.ConsumerConfig{Durable: "export", AckPolicy: jetstream.AckExplicitPolicy}); err != nil {
		t.Fatal(err)
	}
	shows(
		t, found(t, doctor.WorkChecks(connect(t, srv, ""), time.Now)),
		"work consumers: warn suppression was edited by hand → a worker with this consumer sets it back",
		"work consumers: fail consumer engagement is paused until ", "→ to end the pause, run nats consumer resume CUSTOMERIO engagement",
		"work consumers: warn export: lag of 3 events", "and its program does not ask for them → start the program, or delete the consumer",
	)
}

// Dead letters are counted by reason, held suppressions apart.
func TestDeadLetters(t *testing.T) {
	t.Parallel()
	srv := streamtest.Start(t)
	conn := srv.Connect(stream.Settings{})
	shows(t, found(t, doctor.WorkChecks(connect(t, srv, ""), time.Now)), "work dead letters: ok none", "work suppressions: ok none held")
	p := publish(t, conn, 1)
	for i, reason := range []fault.Reason{fault.ReasonNotJSON, fault.ReasonRejected, fault.ReasonRejected, fault.ReasonHeldSuppression} {
		m := event.Message{Workspace: "acme", ID: fmt.Sprint(i), Body: []byte("{}"), ReceivedAt: time.Now()}
		if err := p.StoreDeadLetter(t.Context(), &event.DeadLetter{Message: m, From: "suppression", Reason: reason, Sequence: uint64(i + 1)}); err != nil {
			t.Fatal(err)
		}
	}
	shows(
		t, found(t, doctor.WorkChecks(connect(t, srv, ""), time.Now)),
		"work dead letters: warn 3: 1 not_json from suppression, 2 rejected from suppression → look with cioctl dead list",
		"work suppressions: warn 1 held by SUPPRESSION_LIMIT → look with cioctl dead list --reason held_suppression, then redrive them, which deletes the profiles, or drop them",
	)
}
