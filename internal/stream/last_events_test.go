package stream_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
)

// Redriven messages do not count: they say nothing about the feed.
func TestLastEvents(t *testing.T) {
	t.Parallel()
	conn := streamtest.Start(t).Connect(stream.Settings{})
	pub, err := stream.NewPublisher(conn, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer pub.Close()
	if list, err := conn.LastEvents(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("without events: %v, %v", list, err)
	}
	for _, m := range []event.Message{
		{Workspace: "globex", ID: "1", ObjectType: "email", Metric: "sent"},
		{Workspace: "acme", ID: "2", ObjectType: "push", Metric: "sent"},
		{Workspace: "acme", ID: "3", ObjectType: "email", Metric: "opened"},
	} {
		m.Body = []byte("{}")
		if _, err := pub.Publish(t.Context(), &m); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := pub.Redrive(t.Context(), "warehouse", "key", &event.Message{Workspace: "initech", ID: "4", Body: []byte("{}")}); err != nil {
		t.Fatal(err)
	}
	got, err := conn.LastEvents(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	want := []stream.LastEvent{{Workspace: "acme", Events: 2, At: now}, {Workspace: "globex", Events: 1, At: now}}
	if diff := cmp.Diff(want, got, cmpopts.EquateApproxTime(time.Minute)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
