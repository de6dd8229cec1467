package workerapp

import (
	"context"
	"errors"
	"testing"

	"github.com/cioevents/cioevents/internal/operate"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/warehouse/place"
)

// A failed writing ends when no event waits: another worker has written the rows. A failed
// opening, and a consumer that fills another store, last.
func TestPartOfWarehouse(t *testing.T) {
	t.Parallel()
	at, err := place.Parse("duckdb:x")
	if err != nil {
		t.Fatal(err)
	}
	at.Consumer = "warehouse"
	waiting := []stream.SeenConsumer{{Name: "other"}, {Name: "warehouse", Lag: 1}}
	settled := []stream.SeenConsumer{{Name: "other", Lag: 1}, {Name: "warehouse"}}
	g := &storeGuard{place: at, known: make(chan struct{})}
	want := func(what string, consumers []stream.SeenConsumer, state operate.PartState, reason string) {
		t.Helper()
		if p := g.part(consumers); p.State != state || p.Reason != reason || p.Name != "warehouse" {
			t.Errorf("%s: %+v, want %s %q", what, p, state, reason)
		}
	}
	want("before the opening", settled, operate.PartStarting, "")
	g.fails(t.Context(), errors.New("no disk"))
	want("a failed opening", settled, operate.PartDown, "no disk")
	g.fails(t.Context(), nil)
	close(g.known)
	want("open", waiting, operate.PartOK, "")
	stopped, stop := context.WithCancel(t.Context())
	stop()
	g.fails(stopped, context.Canceled)
	want("the worker stops", waiting, operate.PartOK, "")
	g.fails(t.Context(), errors.New("locked"))
	want("a failed writing", waiting, operate.PartDown, "locked")
	want("others have written", settled, operate.PartOK, "")
	want("a later batch waits", waiting, operate.PartOK, "")
	g.set(false, errors.New("fills another store"))
	want("another store", settled, operate.PartDown, "fills another store")
}
