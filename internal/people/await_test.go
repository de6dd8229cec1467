package people_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/cioevents/cioevents/internal/people"
	"github.com/cioevents/cioevents/internal/stream"
)

// Without the rows that are on their way nothing is erased: the rows would arrive later.
func TestEraseWaitsForTheWarehouses(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.add("id=42")
	consumer, err := b.conn.OpenConsumer(t.Context(), "warehouse", []string{stream.AllEvents})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.conn.OpenConsumer(t.Context(), "engagement", []string{stream.AllEvents}); err != nil {
		t.Fatal(err)
	}
	p := people.New(b.cfg)
	plan := b.plan(p, people.Choice{}, "id=42")
	_, err = p.Erase(t.Context(), plan, people.Orders{Now: now})
	if behind, ok := errors.AsType[*people.BehindError](err); !ok || len(behind.Consumers) != 1 || behind.Consumers[0].Consumer != "warehouse" || b.left() != 1 {
		t.Fatalf("Erase: %v, %d messages are left", err, b.left())
	}
	settle(t, consumer)
	if r := b.erase(p, plan); r.Clean || r.Stores[0].Status != people.NotClean || r.Stores[0].Left != 1 || !strings.Contains(r.Stores[0].Note, "engagement") || r.Stores[2].Erased != 1 {
		t.Errorf("with an unsettled effect: %+v", r)
	}
}

// Nobody is resolved from a warehouse that is behind: an event on its way may tell a further
// identifier, or another person with the same address. A consumer of effects may be behind.
func TestCatchUp(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.add("id=42 email=family@mail.example")
	consumers := map[string]*stream.Consumer{}
	for _, name := range []string{"warehouse", "engagement"} {
		var err error
		if consumers[name], err = b.conn.OpenConsumer(t.Context(), name, []string{stream.AllEvents}); err != nil {
			t.Fatal(err)
		}
	}
	p := people.New(b.cfg)
	if behind, ok := errors.AsType[*people.BehindError](p.CatchUp(t.Context())); !ok || len(behind.Consumers) != 1 || behind.Consumers[0].Consumer != "warehouse" {
		t.Errorf("with a late warehouse: %v", behind)
	}
	settle(t, consumers["warehouse"])
	if err := p.CatchUp(t.Context()); err != nil {
		t.Errorf("with late effects: %v", err)
	}
}

func settle(t *testing.T, c *stream.Consumer) {
	t.Helper()
	attempts, err := c.Fetch(t.Context(), limits)
	if err != nil {
		t.Fatal(err)
	}
	for i := range attempts {
		if err := attempts[i].Settle.AckSync(); err != nil {
			t.Fatal(err)
		}
	}
}
