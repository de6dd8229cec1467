package workerapp

import (
	"cmp"
	"context"
	"errors"
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

// A replaced sink writes to the store of its first Store or Write until Close, as
// warehouse.ErrRecreated says.
type replaced struct {
	place.Sink
	store, pinned string
	rows          int
}

func (s *replaced) pin() error {
	s.pinned = cmp.Or(s.pinned, s.store)
	if s.pinned != s.store {
		return warehouse.ErrRecreated
	}
	return nil
}

func (s *replaced) Store(context.Context) (warehouse.Store, error) {
	return warehouse.Store{ID: s.store}, s.pin()
}

func (s *replaced) Write(_ context.Context, rows []warehouse.Row) (warehouse.Result, error) {
	err := s.pin()
	if err == nil {
		s.rows += len(rows)
	}
	return warehouse.Result{}, err
}

func (s *replaced) Close() error {
	s.pinned = ""
	return nil
}

// The store is replaced while the guard checks the link: the guard has not read the id of
// the new store, and the link still names the old one. A batch in hand must not reach the
// new store before its adoption.
func TestStoreIsReplacedDuringACheck(t *testing.T) {
	t.Parallel()
	sink := &replaced{store: "1"}
	g := &storeGuard{sink: sink, log: zerolog.Nop(), own: warehouse.Store{ID: "1"}}
	rows := make([]warehouse.Row, 1)
	write := func() error {
		_, err := watchedSink{sink, g}.Write(t.Context(), rows)
		return err
	}
	if err := write(); err != nil {
		t.Fatal(err)
	}
	link := stream.StoreLink{Exists: true, Store: stream.Store{ID: "1"}}
	sink.store = "2"
	for range 2 {
		if err := write(); !errors.Is(err, warehouse.ErrRecreated) || sink.rows != 1 {
			t.Fatalf("%d rows are written, %v; want ErrRecreated and the row before", sink.rows, err)
		}
		g.accept(t.Context(), link)
		if g.isLinked() {
			t.Error("the worker fetches")
		}
	}
	g.own.ID, link.Store.ID, g.warned = "2", "2", true // identified and adopted
	g.accept(t.Context(), link)
	if err := write(); err != nil || sink.rows != 2 || !g.isLinked() {
		t.Errorf("after the adoption %d rows, %v, linked: %v", sink.rows, err, g.isLinked())
	}
}

// A queued sink holds each Write back until its turn.
type queued struct {
	*replaced
	begun, turn chan struct{}
}

func (s queued) Write(ctx context.Context, rows []warehouse.Row) (warehouse.Result, error) {
	close(s.begun)
	<-s.turn
	return s.replaced.Write(ctx, rows)
}

// A batch that waits for its turn while the other loop's batch meets the new store must not
// reach the new store either: it has asked for a loss before there was one.
func TestStoreIsRegainedAfterABatchInTheQueue(t *testing.T) {
	t.Parallel()
	sink := queued{&replaced{store: "2", pinned: "1"}, make(chan struct{}), make(chan struct{})}
	g := &storeGuard{sink: sink, log: zerolog.Nop(), own: warehouse.Store{ID: "2"}}
	written, accepted := make(chan error, 1), make(chan struct{})
	go func() {
		_, err := watchedSink{sink, g}.Write(t.Context(), make([]warehouse.Row, 1))
		written <- err
	}()
	<-sink.begun
	g.lose(warehouse.ErrRecreated)
	go func() {
		defer close(accepted)
		g.accept(t.Context(), stream.StoreLink{Exists: true, Store: stream.Store{ID: "2"}})
	}()
	select {
	case <-accepted:
		t.Error("the sink is open for the new store while a batch waits")
	case <-time.After(50 * time.Millisecond):
	}
	close(sink.turn)
	if err := <-written; !errors.Is(err, warehouse.ErrRecreated) || sink.rows > 0 {
		t.Errorf("%d rows are written, %v; want ErrRecreated", sink.rows, err)
	}
	<-accepted
	if g.isLost() || !g.isLinked() {
		t.Error("the guard does not regain the store")
	}
}
