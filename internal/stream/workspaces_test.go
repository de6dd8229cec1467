package stream_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
)

func TestWorkspaces(t *testing.T) {
	t.Parallel()
	conn := streamtest.Start(t).Connect(stream.Settings{})
	pub, err := stream.NewPublisher(conn, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer pub.Close()
	if list, err := conn.Workspaces(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("an empty stream has %v, %v", list, err)
	}
	for _, workspace := range []string{"globex", "acme-2", "acme-2"} {
		m := event.Message{Workspace: workspace, ID: workspace, Metric: "sent", Body: []byte("{}")}
		if _, err := pub.Publish(t.Context(), &m); err != nil {
			t.Fatal(err)
		}
	}
	list, err := conn.Workspaces(t.Context())
	if diff := cmp.Diff([]string{"acme-2", "globex"}, list); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}
