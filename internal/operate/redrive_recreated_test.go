package operate_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/fault"
	"github.com/cioevents/cioevents/internal/operate"
	"github.com/cioevents/cioevents/internal/stream"
)

// Dead letters 1 and 2 of a recreated stream are not the dead letters 1 and 2 that were
// redriven before: both are sent before both are deleted.
func TestRedriveOfARecreatedStream(t *testing.T) {
	t.Parallel()
	p := newPipeline(t)
	warehouse := p.consumer("warehouse")
	for round, ids := range [][]string{{"a", "b"}, {"c", "d"}} {
		for i, id := range ids {
			d := event.DeadLetter{
				Message: *p.publish(id, "opened"), From: "warehouse", Reason: fault.ReasonRejectedRow,
				Sequence: uint64(i + 1), StoredAt: now.Add(time.Duration(2*round+i) * time.Second), DiedAt: now,
			}
			if err := p.pub.StoreDeadLetter(t.Context(), &d); err != nil {
				t.Fatal(err)
			}
		}
		got, err := operate.RedriveDeadLetters(t.Context(), p.conn, [][]uint64{{1}, {2}}, false, func() {})
		if diff := cmp.Diff(operate.RedriveReport{Redriven: 2, Kept: map[string]int{}}, got); err != nil || diff != "" {
			t.Errorf("round %d: %v; report (-want +got):\n%s", round, err, diff)
		}
		if attempts, err := warehouse.Fetch(t.Context(), event.Limits{Messages: 100, Linger: 100 * time.Millisecond}); err != nil || len(attempts) != 4 {
			t.Errorf("round %d: the consumer gets %d messages, %v; want two events and two redriven", round, len(attempts), err)
		}
		if left := p.list(&operate.DeadFilter{}); len(left) != 0 {
			t.Errorf("round %d: left: %+v", round, left)
		}
		p.srv.DeleteStream(stream.DeadName)
		if _, err := p.conn.Ensure(t.Context(), stream.Settings{}); err != nil {
			t.Fatal(err)
		}
	}
}

// storeOld stores a dead letter of the event id with the headers that c826c92 wrote.
func (p *pipeline) storeOld(id, deadID string) {
	p.t.Helper()
	nc, err := nats.Connect(p.srv.URL())
	if err != nil {
		p.t.Fatal(err)
	}
	defer nc.Close()
	msg := &nats.Msg{Subject: "customerio.dead.warehouse.rejected_row", Data: []byte(`{"event_id":"` + id + `"}`), Header: nats.Header{
		"Nats-Msg-Id": {deadID}, "Cio-Id": {"acme:" + id}, "Cio-Received-At": {"2026-03-01T12:00:00Z"}, "Cio-Reason": {"rejected_row"},
		"Cio-Error": {"why"}, "Cio-Attempts": {"1"}, "Cio-Sequence": {"1"}, "Cio-Subject": {"customerio.events.acme.email.opened"},
		"Cio-Died-At": {time.Now().Format(time.RFC3339Nano)},
	}}
	if _, err := nc.RequestMsg(msg, 5*time.Second); err != nil {
		p.t.Fatal(err)
	}
}

// Dead letters that c826c92 has stored are listed, shown, redriven and dropped. Two of
// them with the same id are two.
func TestOldDeadLetters(t *testing.T) {
	t.Parallel()
	p := newPipeline(t)
	warehouse := p.consumer("warehouse")
	for _, id := range []string{"a", "b"} {
		p.storeOld(id, "warehouse:1")
		if d, err := operate.ShowDeadLetter(t.Context(), p.conn, 1, true); err != nil || d.ID != id || d.Workspace != "acme" || string(d.Raw) != `{"event_id":"`+id+`"}` {
			t.Errorf("show %s: %+v, %v", id, d, err)
		}
		got, err := operate.RedriveDeadLetters(t.Context(), p.conn, [][]uint64{{1}}, false, func() {})
		if err != nil || got.Redriven != 1 || got.Duplicates != 0 {
			t.Errorf("redrive %s: %+v, %v", id, got, err)
		}
		attempts, err := warehouse.Fetch(t.Context(), event.Limits{Messages: 100, Linger: 100 * time.Millisecond})
		if err != nil || len(attempts) != 1 || attempts[0].ID != id {
			t.Errorf("the consumer gets %d messages, %v; want %s", len(attempts), err, id)
		}
		p.srv.DeleteStream(stream.DeadName) // and with it the memory of the id
		if _, err := p.conn.Ensure(t.Context(), stream.Settings{}); err != nil {
			t.Fatal(err)
		}
	}
	p.storeOld("c", "warehouse:1")
	if dropped, err := operate.DropDeadLetters(t.Context(), p.conn, [][]uint64{{1}}, func() {}); err != nil || dropped != 1 || len(p.list(&operate.DeadFilter{})) != 0 {
		t.Errorf("dropped %d, %v", dropped, err)
	}
}
