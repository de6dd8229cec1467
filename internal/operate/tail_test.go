package operate_test

import (
	"context"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/fault"
	"github.com/cioevents/cioevents/internal/operate"
)

func TestTailEvents(t *testing.T) {
	t.Parallel()
	p := newPipeline(t)
	p.publish("a", "opened")
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var ids []string
	err := operate.TailEvents(ctx, p.conn, &operate.EventFilter{}, time.Now().Add(-time.Hour), func(a event.Attempt) bool {
		if ids = append(ids, a.ID); len(ids) == 1 {
			p.publish("b", "clicked")
		}
		return len(ids) < 2
	})
	if err != nil || len(ids) != 2 || ids[0] != "a" || ids[1] != "b" {
		t.Errorf("events %v, %v; want the stored one, then the new one", ids, err)
	}
}

// A cancelled context is the normal end. The zero time leaves out stored events,
// but no stored dead letters.
func TestTailEnds(t *testing.T) {
	t.Parallel()
	p := newPipeline(t)
	p.publish("a", "opened")
	p.deadLetter("ingest", fault.ReasonNotJSON, "x")
	ctx, cancel := context.WithCancel(t.Context())
	err := operate.TailDeadLetters(ctx, p.conn, &operate.EventFilter{}, time.Time{}, func(d event.StoredDeadLetter) bool {
		cancel()
		return d.From == "ingest"
	})
	if err != nil {
		t.Errorf("tail of dead letters: %v", err)
	}
	ctx, cancel = context.WithCancel(t.Context())
	time.AfterFunc(500*time.Millisecond, cancel)
	err = operate.TailEvents(ctx, p.conn, &operate.EventFilter{}, time.Time{}, func(a event.Attempt) bool {
		t.Errorf("event %s is not new", a.ID)
		return false
	})
	if err != nil {
		t.Errorf("tail of new events: %v", err)
	}
}
