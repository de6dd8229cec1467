package operate_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/fault"
	"github.com/cioevents/cioevents/internal/operate"
)

func TestDeadLetters(t *testing.T) {
	t.Parallel()
	p := newPipeline(t)
	p.deadLetter("warehouse", fault.ReasonRejectedRow, `{"event_id":"a"}`)
	p.deadLetter("ingest", fault.ReasonNotJSON, "no JSON")

	if list := p.list(&operate.DeadFilter{}); len(list) != 2 || list[0].Number != 1 || list[0].From != "warehouse" || list[0].Body != nil {
		t.Errorf("list: %+v", list)
	}
	if list := p.list(&operate.DeadFilter{From: "ingest"}); len(list) != 1 || list[0].Number != 2 || list[0].Size != len("no JSON") {
		t.Errorf("list of ingest: %+v", list)
	}
	d, err := operate.ShowDeadLetter(t.Context(), p.conn, 1, false)
	if err != nil || d.Body != nil || d.Raw != nil {
		t.Errorf("show without the body: %+v, %v", d, err)
	}
	for number, body := range map[uint64]any{1: json.RawMessage(`{"event_id":"a"}`), 2: "no JSON"} {
		d, err := operate.ShowDeadLetter(t.Context(), p.conn, number, true)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(body, d.Body); diff != "" {
			t.Errorf("body of %d (-want +got):\n%s", number, diff)
		}
	}
	if _, err := operate.ShowDeadLetter(t.Context(), p.conn, 9, true); !errors.Is(err, event.ErrNoDeadLetter) {
		t.Errorf("show a dead letter that does not exist: %v", err)
	}
}

func (p *pipeline) list(f *operate.DeadFilter) []operate.DeadLetter {
	p.t.Helper()
	list, err := operate.ListDeadLetters(p.t.Context(), p.conn, f)
	if err != nil {
		p.t.Fatal(err)
	}
	return list
}

func TestDropDeadLetters(t *testing.T) {
	t.Parallel()
	p := newPipeline(t)
	p.deadLetter("warehouse", fault.ReasonRejectedRow, "{}")
	p.deadLetter("ingest", fault.ReasonNotJSON, "x")
	letters, err := operate.SelectDeadLetters(t.Context(), p.conn, &operate.DeadFilter{From: "ingest"})
	if diff := cmp.Diff([][]uint64{{2}}, letters); err != nil || diff != "" {
		t.Fatalf("select: %v; entries (-want +got):\n%s", err, diff)
	}
	calls := 0
	dropped, err := operate.DropDeadLetters(t.Context(), p.conn, letters, func() { calls++ })
	if err != nil || dropped != 1 || calls != 1 {
		t.Errorf("dropped %d, progress %d times, %v", dropped, calls, err)
	}
	if left := p.list(&operate.DeadFilter{}); len(left) != 1 || left[0].Number != 1 {
		t.Errorf("left: %+v", left)
	}
}

// The stream itself, not only the fake of the other tests.
func TestRedriveDeadLetters(t *testing.T) {
	t.Parallel()
	p := newPipeline(t)
	warehouse := p.consumer("warehouse")
	p.deadLetter("warehouse", fault.ReasonRejectedRow, `{"event_id":"a"}`)
	p.deadLetter("engagement", fault.ReasonRejected, `{"event_id":"b"}`)
	p.deadLetter("ingest", fault.ReasonNotJSON, `{"event_id":"c"}`)
	letters := [][]uint64{{1}, {2}, {3}, {4}}
	got, err := operate.RedriveDeadLetters(t.Context(), p.conn, letters, false, func() {})
	want := operate.RedriveReport{Redriven: 2, Gone: 1, Kept: map[string]int{"there is no consumer engagement": 1}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("redrive: %v; report (-want +got):\n%s", err, diff)
	}
	attempts, err := warehouse.Fetch(t.Context(), event.Limits{Messages: 2, Linger: time.Second})
	if err != nil || len(attempts) != 2 {
		t.Errorf("the consumer gets %d events, %v; want its own and the one of ingest", len(attempts), err)
	}
	if left := p.list(&operate.DeadFilter{}); len(left) != 1 || left[0].From != "engagement" {
		t.Errorf("left: %+v", left)
	}
}
