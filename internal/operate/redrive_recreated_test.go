package operate_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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
		got, err := operate.RedriveDeadLetters(t.Context(), p.conn, [][]uint64{{1}, {2}}, func() {})
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
