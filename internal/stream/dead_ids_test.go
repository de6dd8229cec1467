package stream_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/fault"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
)

// giveUp returns the dead letter that a worker makes of an attempt.
func giveUp(a *event.Attempt, from string) event.DeadLetter {
	return event.DeadLetter{
		Message: a.Message, From: from, Consumer: a.Consumer, Reason: fault.ReasonExhausted, Err: "exhausted",
		Attempts: a.Number, Subject: a.Subject, Sequence: a.Sequence, StoredAt: a.StoredAt, DiedAt: time.Now(),
	}
}

func ensure(t *testing.T, conn *stream.Conn) {
	t.Helper()
	if _, err := conn.Ensure(t.Context(), stream.Settings{}); err != nil {
		t.Fatal(err)
	}
}

// keys lists the keys of all dead letters, the oldest first.
func keys(t *testing.T, conn *stream.Conn) []string {
	t.Helper()
	var list []string
	for _, d := range listed(t, conn, stream.DeadSelection{}) {
		list = append(list, d.Key)
	}
	return list
}

// A recreated stream counts from 1 again: two events that fail at the same sequence are
// two dead letters.
func TestDeadLettersAtTheSameSequence(t *testing.T) {
	t.Parallel()
	srv := streamtest.Start(t)
	conn := srv.Connect(stream.Settings{})
	p := publisher(t, conn)
	for _, id := range []string{"a", "b", "a"} { // the last is the first event once more
		publish(t, p, message(id))
		a := fetchOne(t, open(t, conn, "suppression", stream.AllEvents), id)
		if a.Sequence != 1 {
			t.Fatalf("%s has sequence %d, want 1", id, a.Sequence)
		}
		storeDead(t, p, giveUp(&a, "suppression"))
		srv.DeleteStream(stream.Name)
		ensure(t, conn)
	}
	if got := eventIDs(listed(t, conn, stream.DeadSelection{})); got != "a b a" {
		t.Errorf("dead letters of %s, want a b a", got)
	}
}

func eventIDs(list []event.StoredDeadLetter) string {
	var all []string
	for i := range list {
		all = append(all, list[i].ID)
	}
	return strings.Join(all, " ")
}

// A dead letter whose confirmation was lost is stored again by the next attempt, with a
// new time of death, and is one dead letter. What fails again in a replay, for another
// consumer, or after a redrive is another.
func TestWhatIsAnotherDeadLetter(t *testing.T) {
	t.Parallel()
	conn := streamtest.Start(t).Connect(stream.Settings{})
	p := publisher(t, conn)
	publish(t, p, message("a"))
	a := fetchOne(t, open(t, conn, "all", stream.AllEvents), "a")
	first := giveUp(&a, "all")
	again := first
	again.Attempts = 2
	replayed, other, redriven := first, first, first
	replayed.Consumer = "replay-20260301-120000-abcd"
	other.From, other.Consumer = "other", "other"
	redriven.StoredAt = first.StoredAt.Add(1)
	for i, d := range []event.DeadLetter{first, again, replayed, other, redriven} {
		d.DiedAt = d.DiedAt.Add(time.Duration(i) * time.Minute)
		storeDead(t, p, d)
	}
	all := keys(t, conn)
	distinct := map[string]bool{}
	for _, key := range all {
		distinct[key] = true
	}
	if len(all) != 4 || len(distinct) != 4 {
		t.Errorf("keys %q, want 4 different ones", all)
	}
}

// Customer.io repeats a call when the answer was lost: a new reception of the same body
// is the same dead letter. Two bodies with the same event_id are never taken for one.
func TestRepeatedCallIsOneDeadLetter(t *testing.T) {
	t.Parallel()
	conn := streamtest.Start(t, func(o *server.Options) { o.MaxPayload = 8 << 10 }).Connect(stream.Settings{})
	p := publisher(t, conn)
	call := func(body string, received time.Time) event.DeadLetter {
		m := message("abc")
		m.Body, m.ReceivedAt = []byte(body), received
		return event.DeadLetter{Message: *m, From: event.FromIngest, Reason: fault.ReasonTooLarge, DiedAt: received}
	}
	large := strings.Repeat("x", 12_000) // in parts
	for i, body := range []string{"no JSON", "no JSON", "other", large, large} {
		storeDead(t, p, call(body, received.Add(time.Duration(i)*time.Second)))
	}
	if got := keys(t, conn); len(got) != 3 {
		t.Errorf("keys %q, want 3", got)
	}
}

// storeOld stores an entry with the headers that c826c92 wrote.
func storeOld(t *testing.T, nc *nats.Conn, id, part, body string, died time.Time) {
	t.Helper()
	h := nats.Header{
		"Nats-Msg-Id": {id}, "Cio-Id": {"acme:01A"}, "Cio-Received-At": {"2026-03-01T12:00:00.123456789Z"},
		"Cio-Reason": {"rejected"}, "Cio-Error": {"rejected: 400"}, "Cio-Died-At": {died.Format(time.RFC3339Nano)},
		"Cio-Attempts": {"3"}, "Cio-Sequence": {"42"}, "Cio-Subject": {"customerio.events.acme.email.opened"},
	}
	if part != "" {
		h["Cio-Part"] = []string{part}
	}
	answer, err := nc.RequestMsg(&nats.Msg{Subject: "customerio.dead.suppression.rejected", Header: h, Data: []byte(body)}, 5*time.Second)
	if err != nil || bytes.Contains(answer.Data, []byte("error")) || bytes.Contains(answer.Data, []byte("duplicate")) {
		t.Fatalf("store %s: %s, %v", id, answer.Data, err)
	}
}

// Dead letters that c826c92 has stored can be listed, read and deleted. Their ids
// contain a sequence, so two of them can have the same id: their keys still differ.
func TestOldDeadLetters(t *testing.T) {
	t.Parallel()
	srv := streamtest.Start(t)
	conn := srv.Connect(stream.Settings{})
	nc := client(t, srv)
	died := received.Add(time.Hour)
	storeOld(t, nc, "suppression:42", "", "one", died)
	// In parts, and between them a dead letter of a replay with the same sequence.
	storeOld(t, nc, "warehouse:42:1", "1/2", "two ", died.Add(1))
	storeOld(t, nc, "replay-20260301-120000-abcd:42:1", "1/2", "three ", died.Add(2))
	storeOld(t, nc, "warehouse:42:2", "2/2", "parts", died.Add(1))
	storeOld(t, nc, "replay-20260301-120000-abcd:42:2", "2/2", "halves", died.Add(2))
	letters := listed(t, conn, stream.DeadSelection{From: "suppression", Reason: "rejected"})
	want := []string{"one", "two parts", "three halves"}
	if len(letters) != len(want) {
		t.Fatalf("%d dead letters, want %d", len(letters), len(want))
	}
	for i, d := range letters {
		whole, err := conn.ReadDeadLetter(t.Context(), d.Entries)
		if err != nil {
			t.Fatal(err)
		}
		if string(whole.Body) != want[i] || whole.Key != d.Key || whole.ID != "01A" || whole.Workspace != "acme" || whole.Sequence != 42 || whole.Missing != 0 {
			t.Errorf("dead letter %d is %+v with %q, want %q", i, whole, whole.Body, want[i])
		}
		if err := conn.DeleteDeadLetter(t.Context(), d.Entries); err != nil {
			t.Error(err)
		}
	}
	if left := keys(t, conn); left != nil {
		t.Errorf("left are %q", left)
	}
	first := letters[0].Key
	srv.DeleteStream(stream.DeadName)
	ensure(t, conn)
	storeOld(t, nc, "suppression:42", "", "another", died.Add(time.Minute))
	if second := keys(t, conn); len(second) != 1 || second[0] == first {
		t.Errorf("keys %q then %q, want two different ones", first, second)
	}
}

// The id of a redriven message is the dead letter's own: letters 1 and 2 of a recreated
// stream of dead letters are other letters than 1 and 2 that were redriven before.
func TestRedriveAfterRecreatedDeadStream(t *testing.T) {
	t.Parallel()
	srv := streamtest.Start(t)
	conn := srv.Connect(stream.Settings{})
	p := publisher(t, conn)
	c := open(t, conn, "suppression", stream.AllEvents)
	for round := range 2 {
		for i := range 2 {
			id := fmt.Sprint(round, i)
			publish(t, p, message(id))
			a := fetchOne(t, c, id)
			storeDead(t, p, giveUp(&a, "suppression"))
			ack(t, a)
		}
		before := stored(t, conn)
		for _, d := range listed(t, conn, stream.DeadSelection{}) {
			for _, want := range []bool{false, true} { // the second call repeats an interrupted redrive
				if duplicate, err := p.Redrive(t.Context(), d.From, d.Key, &d.Message); err != nil || duplicate != want {
					t.Errorf("redrive of %s: duplicate %v, %v; want %v", d.ID, duplicate, err, want)
				}
			}
		}
		if got := stored(t, conn) - before; got != 2 {
			t.Errorf("round %d: %d redriven messages stored, want 2", round, got)
		}
		ack(t, fetch(t, c, 10)...)
		srv.DeleteStream(stream.DeadName)
		ensure(t, conn)
	}
}

// An entry that another program has published without an id is never refused as the
// duplicate of another.
func TestRedriveWithoutKey(t *testing.T) {
	t.Parallel()
	conn := streamtest.Start(t).Connect(stream.Settings{})
	p := publisher(t, conn)
	for _, id := range []string{"a", "b"} {
		if duplicate, err := p.Redrive(t.Context(), "some", "", message(id)); duplicate || err != nil {
			t.Errorf("redrive of %s: %v, %v", id, duplicate, err)
		}
	}
}
