package stream_test

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/fault"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
)

// Only the first settlement of an attempt counts. An Extend after Retry would start
// the wait again.
func TestSettledOnce(t *testing.T) {
	t.Parallel()
	conn := streamtest.Start(t).Connect(stream.Settings{})
	publish(t, publisher(t, conn), message("abc"))
	c := open(t, conn, "all", stream.AllEvents)
	a := fetchOne(t, c, "abc")
	start := time.Now()
	if err := a.Settle.Retry(400 * time.Millisecond); err != nil {
		t.Fatal(err)
	}
	for name, again := range map[string]error{
		"Extend": a.Settle.Extend(), "Ack": a.Settle.Ack(), "AckSync": a.Settle.AckSync(),
		"Retry": a.Settle.Retry(0), "Term": a.Settle.Term(fault.ReasonRejected),
	} {
		if again == nil {
			t.Errorf("%s of a settled attempt returns no error", name)
		}
	}
	if b := fetchOne(t, c, "abc"); b.Number != 2 || time.Since(start) < 300*time.Millisecond {
		t.Errorf("attempt %d is delivered after %v", b.Number, time.Since(start))
	}
}

// OpenConsumer gives a consumer of an earlier version the present limits, removes the
// unneeded filters, and keeps the position.
func TestOpenConsumerUpdates(t *testing.T) {
	t.Parallel()
	srv := streamtest.Start(t)
	conn := srv.Connect(stream.Settings{})
	nc := client(t, srv)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	old, err := js.CreateConsumer(t.Context(), stream.Name, jetstream.ConsumerConfig{
		Durable: "all", FilterSubjects: []string{stream.AllEvents, "customerio.redrive.all.>"},
		AckPolicy: jetstream.AckExplicitPolicy, AckWait: stream.AckWait, MaxAckPending: 100_000, MaxDeliver: -1,
	})
	if err != nil {
		t.Fatal(err)
	}
	p := publisher(t, conn)
	publish(t, p, message("old"))
	if err := fetchOne(t, open(t, conn, "all", stream.AllEvents), "old").Settle.AckSync(); err != nil {
		t.Fatal(err)
	}
	publish(t, p, message("new"))
	fetchOne(t, open(t, conn, "all", stream.AllEvents), "new")
	info, err := old.Info(t.Context())
	if err != nil || info.Config.MaxAckPending != 500_000 || info.NumAckPending != 1 {
		t.Errorf("consumer is %+v, %v, want 500,000 messages at most", info, err)
	}
	if filters := info.Config.FilterSubjects; len(filters) != 0 || info.NumPending != 0 {
		t.Errorf("consumer has the filters %q, and %d messages before it", filters, info.NumPending)
	}
}

// A message that the server has sent within the wait, and that arrives later, is fetched.
// The server would otherwise send the message again after AckWait only.
func TestLateMessageIsFetched(t *testing.T) {
	t.Parallel()
	srv := streamtest.Start(t)
	p := publisher(t, srv.Connect(stream.Settings{}))
	far := newNetwork(t, srv)
	c := open(t, connect(t, stream.Config{URL: far.url}), "all", stream.AllEvents)
	publish(t, p, message("abc"))
	far.delay.Store(int64(300 * time.Millisecond))
	attempts, err := c.Fetch(t.Context(), event.Limits{Messages: 1, Wait: 100 * time.Millisecond})
	if len(attempts) != 1 || err != nil {
		t.Errorf("fetched %v, %v", ids(attempts), err)
	}
}
