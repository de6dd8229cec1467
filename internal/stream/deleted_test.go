package stream_test

import (
	"context"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
)

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
