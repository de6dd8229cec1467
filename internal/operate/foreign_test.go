package operate_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/fault"
	"github.com/cioevents/cioevents/internal/operate"
	"github.com/cioevents/cioevents/internal/stream"
)

// stranger is a program that knows the name of its consumer only.
type stranger struct {
	t    *testing.T
	cons jetstream.Consumer
}

func (p *pipeline) stranger(name string) *stranger {
	p.t.Helper()
	nc, err := nats.Connect(p.srv.URL())
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		p.t.Fatal(err)
	}
	cons, err := js.Consumer(p.t.Context(), stream.Name, name)
	if err != nil {
		p.t.Fatal(err)
	}
	return &stranger{p.t, cons}
}

// subjects fetches and acknowledges what waits.
func (s *stranger) subjects() (list []string) {
	s.t.Helper()
	batch, err := s.cons.FetchNoWait(100)
	if err != nil {
		s.t.Fatal(err)
	}
	for m := range batch.Messages() {
		list = append(list, m.Subject())
		if err := m.DoubleAck(s.t.Context()); err != nil {
			s.t.Fatal(err)
		}
	}
	return list
}

// want fetches until there are as many messages as wanted: a consumer may learn of a message
// a moment after its publisher.
func (s *stranger) want(subjects ...string) {
	s.t.Helper()
	got := s.subjects()
	for until := time.Now().Add(5 * time.Second); len(got) < len(subjects) && time.Now().Before(until); {
		got = append(got, s.subjects()...)
	}
	slices.Sort(got)
	if !slices.Equal(got, subjects) {
		s.t.Errorf("the program gets %q, want %q", got, subjects)
	}
}

func TestForeignConsumer(t *testing.T) {
	t.Parallel()
	p := newPipeline(t)
	p.publish("a", "spammed")
	p.publish("b", "opened")
	order := operate.ForeignOrder{Name: "slack-complaints", Filter: operate.Filter{Metrics: []string{"spammed"}}, From: "beginning"}
	for range 2 { // twice changes nothing
		s, err := operate.CreateForeign(t.Context(), p.conn, order)
		if err != nil || s.Lag != 1 {
			t.Fatalf("create: %+v, %v", s, err)
		}
	}
	program := p.stranger("slack-complaints")
	program.want("customerio.events.acme.email.spammed")

	d := event.DeadLetter{
		Message: *p.publish("c", "spammed"), From: "slack-complaints", Reason: fault.ReasonRejectedRow, Sequence: 3, StoredAt: now, DiedAt: now,
	}
	if err := p.pub.StoreDeadLetter(t.Context(), &d); err != nil {
		t.Fatal(err)
	}
	program.want("customerio.events.acme.email.spammed")
	if r, err := operate.RedriveDeadLetters(t.Context(), p.conn, [][]uint64{{1}}, false, func() {}); err != nil || r.Redriven != 1 {
		t.Errorf("redrive: %+v, %v", r, err)
	}
	program.want("customerio.redrive.slack-complaints.acme.email.spammed")

	order.From = "now"
	if _, err := operate.CreateForeign(t.Context(), p.conn, order); !errors.Is(err, stream.ErrConsumerExists) {
		t.Errorf("create with another position: %v, want %v", err, stream.ErrConsumerExists)
	}
	list, err := operate.ListConsumers(t.Context(), p.conn)
	if err != nil || len(list) != 1 || !list[0].Foreign {
		t.Errorf("list: %+v, %v", list, err)
	}
}

// A replay stores copies for one consumer alone: a second replay stores them again, and a
// copy is not copied.
func TestReplayToForeignConsumer(t *testing.T) {
	t.Parallel()
	p := newPipeline(t)
	for _, id := range []string{"a", "b", "c"} {
		p.publish(id, "spammed")
	}
	p.publish("d", "opened")
	for _, name := range []string{"slack", "crm"} {
		if _, err := operate.CreateForeign(t.Context(), p.conn, operate.ForeignOrder{Name: name}); err != nil {
			t.Fatal(err)
		}
	}
	slack, crm := p.stranger("slack"), p.stranger("crm")
	slack.want()
	for range 2 {
		copied := p.copyReplay(t, operate.ReplayOrder{Target: "slack", Filter: []string{"metric=spammed"}})
		if copied != 3 {
			t.Errorf("%d events were copied, want 3", copied)
		}
		one := "customerio.redrive.slack.acme.email.spammed"
		slack.want(one, one, one)
	}
	crm.want()
	if _, err := operate.CreateForeign(t.Context(), p.conn, operate.ForeignOrder{Name: "late", From: "-1h"}); err != nil {
		t.Fatal(err)
	}
	if got := p.stranger("late").subjects(); len(got) != 4 {
		t.Errorf("a consumer of the last hour gets %q, want the four events", got)
	}
}

// A program of the operator's own gets no backfilled event, neither by its filter nor as a
// copy of a replay: the program may have effects.
func TestForeignConsumerGetsNoBackfill(t *testing.T) {
	t.Parallel()
	p := newPipeline(t)
	if _, err := operate.CreateForeign(t.Context(), p.conn, operate.ForeignOrder{Name: "slack", From: "beginning"}); err != nil {
		t.Fatal(err)
	}
	m := p.publish("a", "spammed")
	m.ID = "backfill:D:spammed"
	if _, err := p.pub.Backfill(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	program := p.stranger("slack")
	program.want("customerio.events.acme.email.spammed")
	if copied := p.copyReplay(t, operate.ReplayOrder{Target: "slack"}); copied != 1 {
		t.Errorf("%d events were copied, want 1", copied)
	}
	program.want("customerio.redrive.slack.acme.email.spammed")
	for _, target := range []string{"suppression", "engagement", "suppression-acme", "engagement-acme"} {
		q, err := operate.ReplayOrder{Target: target, Filter: []string{"metric=spammed", "metric=opened"}}.Request(time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if r, err := p.conn.MeasureReplay(t.Context(), q); err == nil && r.Total > 1 {
			t.Errorf("a replay to %s has %d events, want those of ingest only", target, r.Total)
		}
	}
}

// A replay sends a consumer no event that its own filter excludes.
func TestReplayHeedsTheFilterOfTheConsumer(t *testing.T) {
	t.Parallel()
	p := newPipeline(t)
	p.publish("a", "spammed")
	p.publish("b", "opened")
	order := operate.ForeignOrder{Name: "slack", Filter: operate.Filter{Metrics: []string{"spammed", "bounced"}}}
	if _, err := operate.CreateForeign(t.Context(), p.conn, order); err != nil {
		t.Fatal(err)
	}
	for _, filter := range [][]string{nil, {"object_type=email"}} {
		if copied := p.copyReplay(t, operate.ReplayOrder{Target: "slack", Filter: filter}); copied != 1 {
			t.Errorf("%d events were copied, want 1", copied)
		}
		p.stranger("slack").want("customerio.redrive.slack.acme.email.spammed")
	}
	q := stream.ReplayRequest{Target: "slack", Subjects: stream.Select(nil, nil, []string{"opened"})}
	if err := operate.NarrowToForeign(t.Context(), p.conn, &q); err == nil || !strings.Contains(err.Error(), "slack reads none of these events") {
		t.Errorf("a replay of opens: %v", err)
	}
}

func (p *pipeline) copyReplay(t *testing.T, o operate.ReplayOrder) (copied int) {
	t.Helper()
	q, err := o.Request(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if err := operate.NarrowToForeign(t.Context(), p.conn, &q); err != nil {
		t.Fatal(err)
	}
	r, err := p.conn.MeasureReplay(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	steps := make(chan struct{}, 100)
	if err := operate.CopyReplay(t.Context(), p.conn, r, func() { steps <- struct{}{} }); err != nil {
		t.Fatal(err)
	}
	return len(steps)
}

func TestForeignOrders(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"slack": "", "a_b-9": "",
		"": "is not a name", "two words": "is not a name", "a.b": "is not a name", "*": "is not a name", strings.Repeat("x", 65): "is not a name",
		"warehouse": "of the workers", "warehouse-mine": "of the workers", "suppression-acme": "of the workers", "replay-x": "of the workers", "ingest": "of the workers",
	} {
		err := (&operate.ForeignOrder{Name: name}).Check(time.Now())
		if (want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("name %q: %v, want %q", name, err, want)
		}
	}
	if err := (&operate.ForeignOrder{Name: "slack", From: "yesterday"}).Check(time.Now()); err == nil || !strings.Contains(err.Error(), "or now, or beginning") {
		t.Errorf("from yesterday: %v", err)
	}
	p := newPipeline(t)
	if _, err := operate.ForeignStatus(context.Background(), p.conn, "nobody"); err == nil || !strings.Contains(err.Error(), "cioctl consumer list") {
		t.Errorf("status of nobody: %v", err)
	}
}
