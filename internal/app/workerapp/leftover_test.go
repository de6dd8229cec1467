package workerapp_test

import (
	"strings"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
)

// Consumers are left over when workspaces are given names, and when a workspace is
// removed. The worker logs each leftover consumer.
func TestLeftoversAreSaid(t *testing.T) {
	t.Parallel()
	nats := streamtest.Start(t)
	conn := nats.Connect(stream.Settings{})
	for _, name := range []string{"suppression", "engagement-old", "suppression-acme", "warehouse", "others"} {
		if _, err := conn.OpenConsumer(t.Context(), name, []string{stream.AllEvents}); err != nil {
			t.Fatal(err)
		}
	}
	publisher, err := stream.NewPublisher(conn, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer publisher.Close()
	m := &event.Message{Workspace: "default", ID: "a", ObjectType: "email", Metric: "sent", ReceivedAt: time.Now(), Body: []byte("{}")}
	if _, err := publisher.Publish(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	s := startOn(t, nats, conn, map[string]string{
		"CUSTOMERIO_WORKSPACES": "acme", "CUSTOMERIO_ACME_SITE_ID": "s", "CUSTOMERIO_ACME_TRACK_API_KEY": "k",
	})
	logged := func(name string) bool {
		return strings.Contains(s.log.String(), `"consumer":"`+name+`","waiting":1,`)
	}
	waitFor(t, "both leftovers are logged", func() bool { return logged("suppression") && logged("engagement-old") })
	for _, name := range []string{"suppression-acme", "warehouse", "others"} {
		if logged(name) {
			t.Errorf("consumer %s is logged as a leftover", name)
		}
	}
}
