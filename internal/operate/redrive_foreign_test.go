package operate_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/fault"
	"github.com/cioevents/cioevents/internal/operate"
	"github.com/cioevents/cioevents/internal/stream"
)

// A consumer of another program receives redriven messages only if its filter has the
// subject. The dead letter of a consumer without it stays: nobody would receive the message.
func TestRedriveToForeignConsumers(t *testing.T) {
	t.Parallel()
	p := newPipeline(t)
	nc, err := nats.Connect(p.srv.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	for name, filters := range map[string][]string{
		"slack": {"customerio.events.*.email.spammed"},
		"crm":   {"customerio.events.*.email.spammed", "customerio.redrive.crm.>"},
		"words": {"customerio.redrive.*.*.email.*"},
		"push":  {"customerio.redrive.push.*.push.*"},
		"all":   nil,
	} {
		cfg := jetstream.ConsumerConfig{Durable: name, FilterSubjects: filters, AckPolicy: jetstream.AckExplicitPolicy}
		if _, err := js.CreateConsumer(t.Context(), stream.Name, cfg); err != nil {
			t.Fatal(err)
		}
		d := event.DeadLetter{
			Message: event.Message{Workspace: "acme", ID: name, ObjectType: "email", Metric: "spammed", Body: []byte("{}"), ReceivedAt: now},
			From:    name, Reason: fault.ReasonRejectedRow, Sequence: 1, StoredAt: now, DiedAt: now,
		}
		if err := p.pub.StoreDeadLetter(t.Context(), &d); err != nil {
			t.Fatal(err)
		}
	}
	entries := [][]uint64{{1}, {2}, {3}, {4}, {5}}
	got, err := operate.RedriveDeadLetters(t.Context(), p.conn, entries, false, func() {})
	want := operate.RedriveReport{Redriven: 3, Kept: map[string]int{
		"consumer slack does not read its redriven messages: add the subject customerio.redrive.slack.> to its filter": 1,
		"consumer push does not read its redriven messages: add the subject customerio.redrive.push.> to its filter":   1,
	}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v; report (-want +got):\n%s", err, diff)
	}
	if left := p.list(&operate.DeadFilter{}); len(left) != 2 {
		t.Errorf("left: %d dead letters, want 2", len(left))
	}
}
