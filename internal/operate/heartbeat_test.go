package operate_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/operate"
	"github.com/cioevents/cioevents/internal/stream"
)

// A heartbeat replaces the last one of its worker, and ends with the worker. Readers get
// what the worker has sent, with long reasons cut.
func TestHeartbeats(t *testing.T) {
	t.Parallel()
	p := newPipeline(t)
	if list, err := operate.Workers(t.Context(), p.conn); err != nil || len(list) != 0 || list == nil {
		t.Fatalf("before the first worker: %v, %v", list, err)
	}
	p.createState()
	first := operate.Heartbeat{Worker: "b", StartedAt: now, At: now, Track: []operate.Part{
		{Name: "acme", State: operate.PartDown, Reason: strings.Repeat("é", 400), Since: now},
	}}
	second := operate.Heartbeat{
		Worker: "a", Version: "v1", StartedAt: now.Add(time.Second), At: now, DryRun: true,
		Consumers: []stream.SeenConsumer{{Name: "suppression", Lag: 1, Settled: 7, OldestAt: now}}, HeldSuppressions: 3,
	}
	for range 3 {
		p.beat(&first)
	}
	p.beat(&second)
	list, err := operate.Workers(t.Context(), p.conn)
	if err != nil || len(list) != 2 || list[0].Worker != "b" || len(list[0].Track[0].Reason) > 500 || !strings.HasPrefix(list[0].Track[0].Reason, "éé") {
		t.Fatalf("workers %+v, %v", list, err)
	}
	if diff := cmp.Diff(second, list[1]); diff != "" {
		t.Errorf("heartbeat (-want +got):\n%s", diff)
	}
	if n := p.srv.Stored("KV_CIOEVENTS_STATE"); n != 2 {
		t.Errorf("four heartbeats of two workers take %d entries", n)
	}
	if err := operate.EndHeartbeat(t.Context(), p.conn, "b"); err != nil {
		t.Fatal(err)
	}
	if list, err := operate.Workers(t.Context(), p.conn); err != nil || len(list) != 1 {
		t.Errorf("after the end of a worker: %+v, %v", list, err)
	}
}

// The server deletes the heartbeat of a crashed worker, and nothing of it stays. The key
// here has a short life: a heartbeat has a minute.
func TestHeartbeatsExpire(t *testing.T) {
	t.Parallel()
	p := newPipeline(t)
	p.createState()
	p.beat(&operate.Heartbeat{Worker: "a"})
	if err := p.conn.State().PutFor(t.Context(), "worker.a", []byte("{}"), time.Second); err != nil {
		t.Fatal(err)
	}
	tick, deadline := time.NewTicker(50*time.Millisecond), time.After(10*time.Second)
	defer tick.Stop()
	for p.srv.Stored("KV_CIOEVENTS_STATE") > 0 {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("the heartbeat stays")
		}
	}
}

// A worker that cannot store its heartbeat learns so within seconds.
func TestHeartbeatWithoutNATS(t *testing.T) {
	t.Parallel()
	p := newPipeline(t)
	p.createState()
	p.srv.Stop()
	begin := time.Now()
	if err := operate.SendHeartbeat(t.Context(), p.conn, &operate.Heartbeat{Worker: "a"}); err == nil || time.Since(begin) > 4*time.Second {
		t.Errorf("%v after %v; want an error within 3 s", err, time.Since(begin))
	}
}

// The last call of a workspace is the receipt of its newest event. A redriven dead letter
// of ingest is stored now, and was received long ago.
func TestLastCalls(t *testing.T) {
	t.Parallel()
	p := newPipeline(t)
	want := func(what string, want ...operate.LastCall) {
		t.Helper()
		got, err := operate.LastCalls(t.Context(), p.conn)
		if diff := cmp.Diff(append([]operate.LastCall{}, want...), got); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", what, err, diff)
		}
	}
	want("an empty stream")
	recent := time.Now().UTC()
	p.call("acme", "sent", recent.Add(-time.Hour))
	p.call("acme", "opened", recent)
	p.call("globex", "opened", recent.Add(-time.Minute/2))
	want("two workspaces", operate.LastCall{Workspace: "acme", At: recent}, operate.LastCall{Workspace: "globex", At: recent.Add(-time.Minute / 2)})
	p.call("acme", "clicked", recent.Add(-2*time.Hour))
	want("a redriven dead letter", operate.LastCall{Workspace: "acme", At: recent}, operate.LastCall{Workspace: "globex", At: recent.Add(-time.Minute / 2)})
}

func (p *pipeline) createState() {
	p.t.Helper()
	if _, err := p.conn.CreateState(p.t.Context(), stream.Settings{}); err != nil {
		p.t.Fatal(err)
	}
}

func (p *pipeline) beat(h *operate.Heartbeat) {
	p.t.Helper()
	if err := operate.SendHeartbeat(context.WithoutCancel(p.t.Context()), p.conn, h); err != nil {
		p.t.Fatal(err)
	}
}

// call publishes an event that was received at a time.
func (p *pipeline) call(workspace, metric string, received time.Time) {
	p.t.Helper()
	m := &event.Message{Workspace: workspace, ID: metric, ObjectType: "email", Metric: metric, ReceivedAt: received, Body: []byte("{}")}
	if _, err := p.pub.Publish(p.t.Context(), m); err != nil {
		p.t.Fatal(err)
	}
}
