package stream_test

import (
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
)

// Two event_ids that a header would make equal remain two events.
func TestOddIDsAreToldApart(t *testing.T) {
	t.Parallel()
	conn := streamtest.Start(t).Connect(stream.Settings{})
	p := publisher(t, conn)
	for _, id := range []string{`abc`, ` `, `\t`, ` abc`, `abc `, `a b`, `a\nb`, `a\r\nb`, `\u0000`} {
		m := &event.Message{Workspace: "acme", ReceivedAt: received, Body: []byte(`{"event_id":"` + id + `"}`)}
		if err := m.Index(); err != nil {
			t.Fatal(err)
		}
		if duplicate, err := p.Publish(t.Context(), m); duplicate || err != nil {
			t.Errorf("event_id %q: duplicate %v, %v", id, duplicate, err)
		}
	}
}

// Headers are only an index: a message without headers, from another publisher, is
// an event like any other.
func TestMessageWithoutHeaders(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	conn := server.Connect(stream.Settings{})
	nc := client(t, server)
	for _, body := range []string{`{"event_id":"a"}`, `{"event_id":"b"}`, `no JSON`} {
		if _, err := nc.Request("customerio.events.acme.email.opened", []byte(body), 5*time.Second); err != nil {
			t.Fatal(err)
		}
	}
	got := fetch(t, open(t, conn, "all", stream.AllEvents), 10)
	if len(got) != 3 || got[0].ID != "a" || got[1].ID != "b" || len(got[2].ID) != 64 {
		t.Fatalf("fetched %q", ids(got))
	}
	for _, a := range got {
		if !a.ReceivedAt.Equal(a.StoredAt) {
			t.Errorf("received at %v, want the time of storing, %v", a.ReceivedAt, a.StoredAt)
		}
	}
}
