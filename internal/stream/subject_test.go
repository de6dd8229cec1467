package stream_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
	"github.com/cioevents/cioevents/pkg/webhook"
)

func TestSubject(t *testing.T) {
	t.Parallel()
	tests := []struct{ objectType, metric, want string }{
		{"email", "opened", "email.opened"},
		{"", "", "unknown.unknown"},
		{"in_app", "human-opened", "in_app.human-opened"},
		{"a.b", "c d", "a_b.c_d"},
		{"*", ">", "_._"},
		{"é", "x\r\ny", "__.x__y"},
		{"\x00", "EMAIL", "_.EMAIL"},
		{strings.Repeat("x", 100), "y", strings.Repeat("x", 64) + ".y"},
	}
	for _, tt := range tests {
		m := &event.Message{Workspace: "acme", ObjectType: tt.objectType, Metric: tt.metric}
		if got, want := stream.Subject(m), "customerio.events.acme."+tt.want; got != want {
			t.Errorf("Subject(%q, %q) = %s, want %s", tt.objectType, tt.metric, got, want)
		}
		if got, want := stream.RedriveSubject("rows", m), "customerio.redrive.rows.acme."+tt.want; got != want {
			t.Errorf("RedriveSubject(%q, %q) = %s, want %s", tt.objectType, tt.metric, got, want)
		}
	}
}

func TestConsumerFilter(t *testing.T) {
	t.Parallel()
	conn := streamtest.Start(t).Connect(stream.Settings{})
	p := publisher(t, conn)
	bounced, opened := message("bounced"), message("opened")
	bounced.Metric = "bounced"
	publish(t, p, bounced)
	publish(t, p, opened)
	some := open(t, conn, "some", stream.EventsOf("", []webhook.Metric{"bounced", "spammed"})...)
	all := open(t, conn, "all", stream.AllEvents)
	ack(t, fetchOne(t, some, "bounced"))
	got := fetch(t, all, 10)
	if !slices.Equal(ids(got), []string{"bounced", "opened"}) {
		t.Fatalf("all fetched %v", ids(got))
	}
	ack(t, got...)

	// A redriven message reaches only its consumer, whatever the metric. A consumer of
	// all events skips the message.
	for i, want := range []bool{false, true} { // the second time is a duplicate
		if duplicate, err := p.Redrive(t.Context(), "some", "2", opened); err != nil || duplicate != want {
			t.Fatalf("Redrive %d = %v, %v", i, duplicate, err)
		}
	}
	again := fetchOne(t, some, "opened")
	if again.Workspace != "acme" || again.Metric != "opened" || !bytes.Equal(again.Body, opened.Body) || !again.ReceivedAt.Equal(received) {
		t.Errorf("redriven as %+v", again.Message)
	}
	ack(t, again)
	if _, err := p.Redrive(t.Context(), "all", "1", opened); err != nil {
		t.Fatal(err)
	}
	if got := fetch(t, all, 10); len(got) != 0 {
		t.Errorf("all fetched %v, want nothing: the message is for another consumer", ids(got))
	}
	ack(t, fetchOne(t, all, "opened"))
	for _, c := range status(t, conn).Consumers {
		if c.Lag != 0 {
			t.Errorf("consumer %s has a lag of %d", c.Name, c.Lag)
		}
	}
}

func ack(t *testing.T, attempts ...event.Attempt) {
	t.Helper()
	for i := range attempts {
		if err := attempts[i].Settle.AckSync(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFetchLimits(t *testing.T) {
	t.Parallel()
	conn := streamtest.Start(t).Connect(stream.Settings{})
	p := publisher(t, conn)
	for _, id := range []string{"a", "b", "c", "d"} {
		m := message(id)
		m.Body = make([]byte, 1000)
		publish(t, p, m)
	}
	c := open(t, conn, "all", stream.AllEvents)
	if got := ids(fetch(t, c, 1)); !slices.Equal(got, []string{"a"}) {
		t.Errorf("one: %v", got)
	}
	attempts, err := c.Fetch(t.Context(), event.Limits{Messages: 10, Bytes: 1500, Linger: 100 * time.Millisecond})
	if got := ids(attempts); err != nil || !slices.Equal(got, []string{"b", "c"}) {
		t.Errorf("1,500 bytes after the first: %v, %v", got, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := open(t, conn, "none", "customerio.events.nobody.>").Fetch(ctx, event.Limits{Messages: 1}); !errors.Is(err, context.Canceled) {
		t.Errorf("Fetch after the end = %v", err)
	}
}

// The consumer of a workspace receives only events of the workspace.
func TestEventsOfWorkspace(t *testing.T) {
	t.Parallel()
	conn := streamtest.Start(t).Connect(stream.Settings{})
	p := publisher(t, conn)
	for id, workspace := range map[string]string{"a": "acme", "b": "acme-2", "c": "globex"} {
		m := message(id)
		m.Workspace, m.Metric = workspace, "opened"
		publish(t, p, m)
	}
	m := message("d")
	m.Workspace, m.Metric = "acme", "sent"
	publish(t, p, m)
	c := open(t, conn, "one", stream.EventsOf("acme", []webhook.Metric{webhook.Opened})...)
	if got := ids(fetch(t, c, 10)); !slices.Equal(got, []string{"a"}) {
		t.Errorf("acme's opens: %v, want a", got)
	}
}
