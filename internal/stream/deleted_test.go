package stream_test

import (
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
)

// Fetch recreates a durable consumer that somebody has deleted.
func TestDeletedConsumerComesBack(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	conn := server.Connect(stream.Settings{})
	p := publisher(t, conn)
	c := open(t, conn, "all", stream.AllEvents)
	publish(t, p, message("a"))
	ack(t, fetchOne(t, c, "a"))

	nc := client(t, server)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	if err := js.DeleteConsumer(t.Context(), stream.Name, "all"); err != nil {
		t.Fatal(err)
	}
	publish(t, p, message("b"))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for {
		attempts, err := c.Fetch(ctx, event.Limits{Messages: 1})
		if ctx.Err() != nil {
			t.Fatalf("no message is fetched: %v", err)
		}
		ack(t, attempts...)
		if len(attempts) > 0 && attempts[0].ID == "b" {
			return
		}
	}
}

// A worker that stops leaves no request on the server: the request would receive a
// message that another worker could handle.
func TestStoppedFetchTakesNothing(t *testing.T) {
	t.Parallel()
	conn := streamtest.Start(t).Connect(stream.Settings{})
	p := publisher(t, conn)
	stopping, other := open(t, conn, "all", stream.AllEvents), open(t, conn, "all", stream.AllEvents)
	ctx, stop := context.WithCancel(t.Context())
	time.AfterFunc(200*time.Millisecond, stop)
	if got, err := stopping.Fetch(ctx, event.Limits{Messages: 1}); len(got) > 0 || err == nil {
		t.Fatalf("fetched %v, %v", ids(got), err)
	}
	publish(t, p, message("a"))
	if a := fetchOne(t, other, "a"); a.Number != 1 {
		t.Errorf("attempt %d, want the first", a.Number)
	}
}
