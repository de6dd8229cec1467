package workerapp

import (
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/place"
)

// Two workers see a consumer without a store, and both write. The first to write must
// not fetch, although it was alone when it read the link.
func TestClaimIsReadAgain(t *testing.T) {
	t.Parallel()
	conn := streamtest.Start(t).Connect(stream.Settings{})
	if _, err := conn.OpenConsumer(t.Context(), "warehouse", []string{stream.AllEvents}); err != nil {
		t.Fatal(err)
	}
	guard := func(id string) *storeGuard {
		p, err := place.Parse("duckdb:" + id)
		if err != nil {
			t.Fatal(err)
		}
		p.Consumer = "warehouse"
		return &storeGuard{place: p, conn: conn, log: zerolog.Nop(), own: warehouse.Store{ID: id}, vacantSince: time.Now().Add(-vacancy)}
	}
	first, second := guard("1"), guard("2")
	vacant, err := conn.StoreLink(t.Context(), "warehouse")
	if err != nil {
		t.Fatal(err)
	}
	first.claim(t.Context(), vacant)
	first.check(t.Context())
	if first.isLinked() {
		t.Error("the first worker fetches before the second can have written")
	}
	second.claim(t.Context(), vacant)
	for _, g := range []*storeGuard{first, second} {
		g.claimedAt = g.claimedAt.Add(-claimSettle)
		g.check(t.Context())
	}
	if first.isLinked() || first.ready() == nil || !second.isLinked() {
		t.Errorf("first: linked %v, %v; second: linked %v", first.isLinked(), first.ready(), second.isLinked())
	}
}
