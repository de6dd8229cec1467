package stream_test

import (
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
)

func link(t *testing.T, conn *stream.Conn, consumer string) stream.StoreLink {
	t.Helper()
	l, err := conn.StoreLink(t.Context(), consumer)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// Opening a consumer, and creating an existing consumer, keep its link.
func TestLinkStays(t *testing.T) {
	t.Parallel()
	conn := streamtest.Start(t).Connect(stream.Settings{})
	all := []string{stream.AllEvents}
	if l := link(t, conn, "warehouse"); l.Exists {
		t.Fatalf("before: %+v", l)
	}
	first := stream.Store{ID: "1", Place: "duckdb a:/x"}
	if err := conn.CreateLinked(t.Context(), stream.DurableConfig{Name: "warehouse", Subjects: all}, first); err != nil {
		t.Fatal(err)
	}
	if err := conn.CreateLinked(t.Context(), stream.DurableConfig{Name: "warehouse", Subjects: all}, stream.Store{ID: "2"}); err != nil {
		t.Fatal(err)
	}
	open(t, conn, "warehouse", "customerio.events.acme.>") // other subjects: an update
	if diff := cmp.Diff(stream.StoreLink{Exists: true, Store: first}, link(t, conn, "warehouse")); diff != "" {
		t.Error(diff)
	}
	second := stream.Store{ID: "3", Place: "duckdb b:/x", Lacks: 7}
	if err := conn.SetStore(t.Context(), "warehouse", second); err != nil {
		t.Fatal(err)
	}
	if got := status(t, conn).Consumers[0].Store; got == nil || *got != second {
		t.Errorf("the status has the store %+v, want %+v", got, second)
	}
}

// A consumer has a history when it has settled a message, also after the stream has
// lost its first messages.
func TestSettledOfALink(t *testing.T) {
	t.Parallel()
	conn := streamtest.Start(t).Connect(stream.Settings{})
	publish(t, publisher(t, conn), message("a"))
	c := open(t, conn, "warehouse", stream.AllEvents)
	if l := link(t, conn, "warehouse"); l.Settled != 0 || l.Store.ID != "" {
		t.Errorf("before: %+v", l)
	}
	a := fetchOne(t, c, "a")
	if err := a.Settle.Ack(); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(10 * time.Second)
	for link(t, conn, "warehouse").Settled != 1 { // the server handles an ack later
		if time.Now().After(deadline) {
			t.Fatalf("after: %+v, want 1 settled", link(t, conn, "warehouse"))
		}
	}
}

// Of several workers that create a consumer at the same moment, one wins.
func TestOneCreatorWins(t *testing.T) {
	t.Parallel()
	conn := streamtest.Start(t).Connect(stream.Settings{})
	var creating sync.WaitGroup
	seen := make([]string, 8)
	for i := range seen {
		creating.Go(func() {
			if err := conn.CreateLinked(t.Context(), stream.DurableConfig{Name: "warehouse", Subjects: []string{stream.AllEvents}}, stream.Store{ID: string(rune('a' + i))}); err != nil {
				t.Error(err)
			}
			l, err := conn.StoreLink(t.Context(), "warehouse")
			if err != nil {
				t.Error(err)
			}
			seen[i] = l.Store.ID
		})
	}
	creating.Wait()
	for _, id := range seen {
		if id != seen[0] || id == "" {
			t.Fatalf("the workers see %q", seen)
		}
	}
}
