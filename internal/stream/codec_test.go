package stream_test

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/fault"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
)

// A release counts on a redrive subject only, to which only an operator may publish, and
// survives a further dead letter.
func TestReleased(t *testing.T) {
	t.Parallel()
	conn := streamtest.Start(t).Connect(stream.Settings{})
	p, m := publisher(t, conn), message("abc")
	m.Released = true
	publish(t, p, m) // as somebody with ingest's password could
	suppression := open(t, conn, "suppression", stream.AllEvents)
	if a := fetchOne(t, suppression, "abc"); a.Released {
		t.Error("an event releases itself")
	} else if err := a.Settle.AckSync(); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Redrive(t.Context(), "suppression", "1", m); err != nil {
		t.Fatal(err)
	}
	a := fetchOne(t, suppression, "abc")
	if !a.Released {
		t.Fatal("the redriven message is not released")
	}
	d := event.DeadLetter{
		Message: a.Message, From: "suppression", Reason: fault.ReasonExhausted, Subject: a.Subject,
		Sequence: a.Sequence, Attempts: 1, DiedAt: received,
	}
	if err := p.StoreDeadLetter(t.Context(), &d); err != nil {
		t.Fatal(err)
	}
	if got := tailed(t, conn, stream.Selection{}); len(got) != 1 || !got[0].Released {
		t.Errorf("dead letters %+v, want one that is released", got)
	}
}

// The names and the values of the headers are the wire format: programs of other
// versions read them.
func TestNewMessage(t *testing.T) {
	t.Parallel()
	m := message("abc")
	m.Stripped, m.TraceParent = "content", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	got := stream.NewMessage(m)
	want := nats.Header{
		"Nats-Msg-Id": {"acme:abc:opened"}, "Cio-Id": {"acme:abc"}, "Cio-Received-At": {"2026-03-01T12:00:00.123456789Z"},
		"Cio-Stripped": {"content"}, "traceparent": {m.TraceParent},
	}
	if diff := cmp.Diff(want, got.Header); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
	if got.Subject != "customerio.events.acme.email.opened" || !bytes.Equal(got.Data, m.Body) {
		t.Errorf("message %+v", got)
	}
}
