package stream_test

import (
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/stream"
)

var received = time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.UTC)

func message(id string) *event.Message {
	return &event.Message{
		Workspace: "acme", ID: id, ObjectType: "email", Metric: "opened", ReceivedAt: received,
		Body: []byte(`{"event_id":"` + id + `"}` + "\n"),
	}
}

func publisher(t *testing.T, conn *stream.Conn) *stream.Publisher {
	t.Helper()
	p, err := stream.NewPublisher(conn, 0)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func publish(t *testing.T, p *stream.Publisher, m *event.Message) {
	t.Helper()
	if duplicate, err := p.Publish(t.Context(), m); duplicate || err != nil {
		t.Fatalf("Publish(%s) = %v, %v", m.ID, duplicate, err)
	}
}

func open(t *testing.T, conn *stream.Conn, name string, subjects ...string) *stream.Consumer {
	t.Helper()
	c, err := conn.OpenConsumer(t.Context(), name, subjects)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func fetch(t *testing.T, c *stream.Consumer, n int) []event.Attempt {
	t.Helper()
	attempts, err := c.Fetch(t.Context(), event.Limits{Messages: n, Linger: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	return attempts
}

// fetchOne fetches exactly one message, whose id is id, or fails the test.
func fetchOne(t *testing.T, c *stream.Consumer, id string) event.Attempt {
	t.Helper()
	attempts := fetch(t, c, 10)
	if len(attempts) != 1 || attempts[0].ID != id {
		t.Fatalf("fetched %v, want %s", ids(attempts), id)
	}
	return attempts[0]
}

func ids(attempts []event.Attempt) []string {
	list := []string{}
	for i := range attempts {
		list = append(list, attempts[i].ID)
	}
	return list
}

func stored(t *testing.T, conn *stream.Conn) uint64 {
	t.Helper()
	return status(t, conn).Stream.Messages
}

func status(t *testing.T, conn *stream.Conn) *stream.Status {
	t.Helper()
	s, err := conn.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}
