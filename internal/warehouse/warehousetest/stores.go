package warehousetest

import (
	"regexp"
	"sync"

	"github.com/cioevents/cioevents/internal/warehouse"
)

var storeID = regexp.MustCompile(`^[0-9a-f]{32}$`)

// storeOf returns the store of an open sink.
func (p *suite) storeOf(sink warehouse.Sink) warehouse.Store {
	p.t.Helper()
	store, err := identity(p, sink).Store(p.t.Context())
	if err != nil {
		p.t.Fatalf("Store: %v", err)
	}
	if !storeID.MatchString(store.ID) {
		p.t.Errorf("the id of the store is %q; want the form of warehouse.NewStoreID", store.ID)
	}
	return store
}

func identity(p *suite, sink warehouse.Sink) warehouse.Identity {
	p.t.Helper()
	i, ok := sink.(warehouse.Identity)
	if !ok {
		p.t.Fatalf("%T does not implement warehouse.Identity", sink)
	}
	return i
}

// oneStore asks a sink twice, another sink beside the first, and a third sink after the
// others have closed.
func oneStore(p *suite) {
	first := p.open()
	want := p.storeOf(first)
	for name, got := range map[string]warehouse.Store{"the same sink": p.storeOf(first), "another sink": p.storeOf(p.open())} {
		if got != want {
			p.t.Errorf("%s has the store %+v; want %+v", name, got, want)
		}
	}
	if err := first.Close(); err != nil {
		p.t.Fatal(err)
	}
	if got := p.storeOf(p.open()); got != want {
		p.t.Errorf("after a Close the store is %+v; want %+v", got, want)
	}
}

func twoStores(p *suite) {
	other := *p
	other.Warehouse = p.start(p.t)
	if a, b := p.storeOf(p.open()), other.storeOf(other.open()); a.ID == b.ID {
		p.t.Errorf("two stores have the id %s", a.ID)
	}
}

// openersAtOnce opens a store without an id through eight sinks at the same moment.
func openersAtOnce(p *suite) {
	const openers = 8
	ids := make([]string, openers)
	var opening sync.WaitGroup
	begin := make(chan struct{})
	for i := range openers {
		sink := p.open()
		opening.Go(func() {
			<-begin
			store, err := identity(p, sink).Store(p.t.Context())
			if err != nil {
				p.t.Errorf("Store of opener %d: %v", i, err)
			}
			ids[i] = store.ID
		})
	}
	close(begin)
	opening.Wait()
	for i, id := range ids {
		if id != ids[0] {
			p.t.Errorf("opener %d has the id %s; opener 0 has %s", i, id, ids[0])
		}
	}
}

// emptyStore also covers a store of an older release: rows come before the id.
func emptyStore(p *suite) {
	if !p.storeOf(p.open()).Empty {
		p.t.Error("a new store is not empty")
	}
	older := *p
	older.Warehouse = p.start(p.t)
	sink := older.open()
	older.expect(sink, bare(1), 1, 0)
	if older.storeOf(sink).Empty || older.storeOf(older.open()).Empty {
		p.t.Error("a store with a row is empty")
	}
}
