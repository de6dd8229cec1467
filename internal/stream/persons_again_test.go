package stream_test

import (
	"fmt"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/cioevents/cioevents/internal/privacy"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
)

// wantEvents fails the test unless a search finds n events of jo.
func wantEvents(t *testing.T, s privacy.Store, n int64, when string) {
	t.Helper()
	if found, err := s.Find(t.Context(), []privacy.Person{jo}); err != nil || found[0].Events != n {
		t.Errorf("%s: found %+v, %v, want %d events", when, found, err, n)
	}
}

// The first search reads the stream. What follows it in an erasure, the erasure itself and
// the second look, reads only what came later, and finds it.
func TestSecondLookReadsNewMessagesOnly(t *testing.T) {
	t.Parallel()
	conn := streamtest.Start(t).Connect(stream.Settings{})
	p := publisher(t, conn)
	publish(t, p, about("a", "jo@secret.example"))
	for i := range 500 {
		publish(t, p, about(fmt.Sprint(i), "ann@kept.example"))
	}
	store := conn.EventStore()
	before := conn.Received()
	wantEvents(t, store, 1, "first search")
	if n := conn.Received() - before; n < 501 {
		t.Fatalf("the first search received %d messages: the counter shows nothing", n)
	}
	before = conn.Received()
	publish(t, p, about("b", "jo@secret.example"))
	if got := erase(t, store); got.Events != 2 {
		t.Errorf("erase: %+v", got)
	}
	publish(t, p, about("c", "jo@secret.example"))
	wantEvents(t, store, 1, "message after the erasure")
	if got := erase(t, store); got.Events != 1 {
		t.Errorf("second erase: %+v", got)
	}
	wantEvents(t, store, 0, "second look")
	if n := conn.Received() - before; n > 100 {
		t.Errorf("an erasure and two looks received %d messages, as if they read the stream again", n)
	}
	wantEvents(t, conn.EventStore(), 0, "another program")
}

// The second look trusts no memory: it asks the server for each message that it knows.
func TestSecondLookAsksForEachMessage(t *testing.T) {
	t.Parallel()
	srv := streamtest.Start(t)
	conn := srv.Connect(stream.Settings{})
	p := publisher(t, conn)
	for i := range 3 {
		publish(t, p, about(fmt.Sprint(i), "jo@secret.example"))
	}
	store := conn.EventStore()
	wantEvents(t, store, 3, "first search")
	js, err := jetstream.New(client(t, srv))
	if err != nil {
		t.Fatal(err)
	}
	st, err := js.Stream(t.Context(), stream.Name)
	if err != nil {
		t.Fatal(err)
	}
	if err := st.DeleteMsg(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	wantEvents(t, store, 2, "a message that somebody else has deleted")
	store.PretendErased()
	wantEvents(t, store, 2, "messages that are left after an erasure")
	if got := erase(t, store); got.Events != 2 || stored(t, conn) != 0 {
		t.Errorf("erase: %+v", got)
	}
	wantEvents(t, store, 0, "after the erasure")
}

// A stream that was created again, and other persons, begin at the first message.
func TestSecondLookAtAnotherStream(t *testing.T) {
	t.Parallel()
	srv := streamtest.Start(t)
	conn := srv.Connect(stream.Settings{})
	p := publisher(t, conn)
	for i := range 3 {
		publish(t, p, about(fmt.Sprint(i), "ann@kept.example"))
	}
	store := conn.EventStore()
	wantEvents(t, store, 0, "first search")
	ann := privacy.Person{Workspace: "acme", Identifiers: []privacy.Identifier{{Kind: privacy.Email, Value: "ann@kept.example"}}}
	if found, err := store.Find(t.Context(), []privacy.Person{ann}); err != nil || found[0].Events != 3 {
		t.Errorf("found %+v, %v of another person, want 3 events", found, err)
	}
	wantEvents(t, store, 0, "first person again")
	srv.DeleteStream(stream.Name)
	conn = srv.Connect(stream.Settings{})
	publish(t, publisher(t, conn), about("a", "jo@secret.example"))
	wantEvents(t, store, 1, "stream that was created again")
}
