package stream_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/fault"
	"github.com/cioevents/cioevents/internal/privacy"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
)

// jo is a person of the workspace acme.
var jo = privacy.Person{Workspace: "acme", Identifiers: []privacy.Identifier{{Kind: privacy.Email, Value: "jo@secret.example"}}}

// about returns an event about a person with an address.
func about(id, address string) *event.Message {
	m := message(id)
	m.Body = fmt.Appendf(nil, `{"event_id":%q,"metric":"opened","object_type":"email","data":{"identifiers":{"email":%q}}}`, id, address)
	return m
}

func erase(t *testing.T, s privacy.Store) privacy.Erased {
	t.Helper()
	got, err := s.Erase(t.Context(), []privacy.Person{jo}, privacy.EraseOptions{})
	if err != nil {
		t.Fatalf("erase from %s: %v", s.Name(), err)
	}
	return got
}

// settleAll settles every message of a consumer.
func settleAll(t *testing.T, c *stream.Consumer) {
	t.Helper()
	for {
		attempts, err := c.Fetch(t.Context(), event.Limits{Messages: 100, Linger: 100 * time.Millisecond, Wait: 300 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		if len(attempts) == 0 {
			return
		}
		for i := range attempts {
			if err := attempts[i].Settle.AckSync(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// A message that a consumer has not settled stays: its effect was not performed yet. Other
// consumers, of other events, do not matter.
func TestUnsettledMessagesStay(t *testing.T) {
	t.Parallel()
	srv := streamtest.Start(t)
	conn := srv.Connect(stream.Settings{})
	p := publisher(t, conn)
	engagement, warehouse := open(t, conn, "engagement", "customerio.events.*.email.opened"), open(t, conn, "warehouse", stream.AllEvents)
	open(t, conn, "suppression", "customerio.events.*.email.spammed")
	for i := range 4 {
		publish(t, p, about(fmt.Sprint(i), "jo@secret.example"))
	}
	settleAll(t, warehouse)
	attempts := fetch(t, engagement, 3)
	for i := range attempts[1:] { // the first of three is still being worked on, the fourth waits
		if err := attempts[i+1].Settle.AckSync(); err != nil {
			t.Fatal(err)
		}
	}
	store := conn.EventStore()
	got := erase(t, store)
	if got.Events != 0 || !got.NotClean || !strings.Contains(got.Note, "Consumer engagement has not settled 4 of the messages, from message 1 to 4") {
		t.Errorf("erase before the consumer has settled the first message: %+v", got)
	}
	if err := attempts[0].Settle.AckSync(); err != nil {
		t.Fatal(err)
	}
	if got = erase(t, store); got.Events != 3 || !strings.Contains(got.Note, "1 of the messages, from message 4 to 4") {
		t.Errorf("erase of three settled messages: %+v", got)
	}
	if err := conn.DeleteConsumer(t.Context(), "engagement"); err != nil {
		t.Fatal(err)
	}
	if got = erase(t, store); got.Events != 1 || got.NotClean || got.Note != "" || stored(t, conn) != 0 {
		t.Errorf("erase of the last message: %+v, %d messages are left", got, stored(t, conn))
	}
}

// A consumer that somebody has deleted goes on at its floor: the messages above stay.
func TestMessagesAboveAFloorStay(t *testing.T) {
	t.Parallel()
	conn := streamtest.Start(t).Connect(stream.Settings{})
	p := publisher(t, conn)
	for i := range 2 {
		publish(t, p, about(fmt.Sprint(i), "jo@secret.example"))
	}
	if _, err := conn.CreateState(t.Context(), stream.Settings{}); err != nil {
		t.Fatal(err)
	}
	if err := conn.StartConsumer(t.Context(), "suppression", 1); err != nil {
		t.Fatal(err)
	}
	if got := erase(t, conn.EventStore()); got.Events != 1 || !strings.Contains(got.Note, "Consumer suppression has not settled 1 of the messages") {
		t.Errorf("erase: %+v", got)
	}
}

// A message that arrives after the search is erased, too.
func TestEraseFindsWhatArrivesAfterTheSearch(t *testing.T) {
	t.Parallel()
	conn := streamtest.Start(t).Connect(stream.Settings{})
	p := publisher(t, conn)
	publish(t, p, about("a", "jo@secret.example"))
	store := conn.EventStore()
	wantEvents(t, store, 1, "before")
	publish(t, p, about("b", "JO@secret.example"))
	publish(t, p, about("c", "ann@kept.example"))
	if got := erase(t, store); got.Events != 2 || stored(t, conn) != 1 {
		t.Errorf("erase: %+v, %d messages are left", got, stored(t, conn))
	}
}

// A stream that refuses deletion says until when its messages stay.
func TestEraseFromAStreamThatRefusesDeletion(t *testing.T) {
	t.Parallel()
	srv := streamtest.Start(t)
	createDenying(t, srv, stream.Name, "customerio.events.>", "customerio.redrive.>")
	createDenying(t, srv, stream.DeadName, "customerio.dead.>")
	conn := srv.Connect(stream.Settings{})
	p := publisher(t, conn)
	if got := erase(t, conn.EventStore()); got.NotClean {
		t.Errorf("without a message of the person: %+v", got)
	}
	publish(t, p, about("a", "jo@secret.example"))
	storeDead(t, p, event.DeadLetter{Message: *about("a", "jo@secret.example"), From: "some", Reason: fault.ReasonPanic, StoredAt: received})
	got := erase(t, conn.EventStore())
	if days := time.Until(got.CleanAt).Hours() / 24; !got.NotClean || got.Events != 0 || days < 29.9 || days > 30 || !strings.Contains(got.Note, "STREAM_MAX_AGE (720h)") {
		t.Errorf("erase from the stream: %+v", got)
	}
	if got := erase(t, conn.DeadStore()); !got.NotClean || !strings.Contains(got.Note, "recreate the stream") {
		t.Errorf("erase from the dead letters: %+v", got)
	}
}

// A dead letter of an effect that was never performed stays if the caller wants.
func TestEraseKeepsDeadLetters(t *testing.T) {
	t.Parallel()
	conn := streamtest.Start(t).Connect(stream.Settings{})
	p := publisher(t, conn)
	for _, from := range []string{"warehouse", "suppression"} {
		storeDead(t, p, event.DeadLetter{Message: *about("a", "jo@secret.example"), From: from, Reason: fault.ReasonRejected, StoredAt: received})
	}
	store := conn.DeadStore()
	store.Keeps = func(d *event.StoredDeadLetter) bool { return d.From == "suppression" }
	if got := erase(t, store); got.Events != 1 || !got.NotClean || !strings.Contains(got.Note, "dead letter 2") {
		t.Errorf("erase: %+v", got)
	}
	if list := listed(t, conn, stream.DeadSelection{}); len(list) != 1 || list[0].From != "suppression" {
		t.Errorf("left: %+v", list)
	}
}

// The bytes of an erased message are gone from the server's files, also of a message with
// escapes and of a large dead letter in parts, and the bytes of the others are there.
func TestErasedMessagesAreGoneFromTheDisk(t *testing.T) {
	t.Parallel()
	var dir string
	srv := streamtest.Start(t, func(o *server.Options) { o.MaxPayload, dir = 8<<10, o.StoreDir })
	conn := srv.Connect(stream.Settings{})
	p := publisher(t, conn)
	for i := range 40 {
		address, kept := "jo@secret.example", i%2 == 1
		if kept {
			address = "ann@kept.example"
		}
		m := about(fmt.Sprint(i), address)
		if !kept && i%3 == 0 {
			m.Body = []byte(strings.Replace(string(m.Body), "@", `\u0040`, 1))
		}
		publish(t, p, m)
		m.Body = append(m.Body, strings.Repeat(" ", 9_000)...) // in two parts
		storeDead(t, p, event.DeadLetter{Message: *m, From: "some", Reason: fault.ReasonRejected, StoredAt: received})
	}
	waitOnDisk(t, dir, "secret.example", 20)
	if n := onDiskOf(t, dir, stream.Name, "secret.example"); n != 20 {
		t.Fatalf("the text stands %d times in the stream's files before, want 20", n)
	}
	if a, b := erase(t, conn.EventStore()), erase(t, conn.DeadStore()); a.Events != 20 || b.Events != 20 || !a.CleanAt.IsZero() {
		t.Errorf("erased %+v and %+v", a, b)
	}
	for _, name := range []string{stream.Name, stream.DeadName} {
		if n := onDiskOf(t, dir, name, "secret.example"); n != 0 {
			t.Errorf("the text stands %d times in the files of %s", n, name)
		}
		if n := onDiskOf(t, dir, name, "kept.example"); n != 20 {
			t.Errorf("the other text stands %d times in the files of %s, want 20", n, name)
		}
	}
}

// Positions tell the warehouse of a consumer, and the target of a replay.
func TestPositions(t *testing.T) {
	t.Parallel()
	conn := streamtest.Start(t).Connect(stream.Settings{})
	p := publisher(t, conn)
	publish(t, p, message("a"))
	warehouse := open(t, conn, "warehouse", stream.AllEvents)
	if err := conn.SetStore(t.Context(), "warehouse", stream.Store{ID: "x", Place: "here"}); err != nil {
		t.Fatal(err)
	}
	r, err := conn.StartReplay(t.Context(), stream.ReplayRequest{Target: "warehouse"})
	if err != nil {
		t.Fatal(err)
	}
	publish(t, p, message("b"))
	list, last, err := conn.Positions(t.Context())
	if err != nil || last != 2 || len(list) != 2 {
		t.Fatalf("%+v, %d, %v", list, last, err)
	}
	if list[0].Consumer != "replay-"+r.ID || list[0].Target != "warehouse" || list[1].Store.Place != "here" || list[0].HasPassed(1) || list[1].HasPassed(1) {
		t.Errorf("%+v", list)
	}
	if !list[0].HasSettled(2, "customerio.events.acme.email.opened") {
		t.Error("the replay ends before the second message")
	}
	settleAll(t, warehouse)
	list, _, err = conn.Positions(t.Context())
	if err != nil || !list[1].HasPassed(2) || !list[1].HasSettled(2, "customerio.events.acme.email.opened") || list[0].HasPassed(1) {
		t.Errorf("%+v, %v", list, err)
	}
}
