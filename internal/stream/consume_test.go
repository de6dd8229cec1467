package stream_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
)

// Fetch reserves the memory of the messages that wait, and not of all that a batch may have.
func TestFetchReservesWhatWaits(t *testing.T) {
	t.Parallel()
	conn := streamtest.Start(t).Connect(stream.Settings{})
	p := publisher(t, conn)
	const waiting = 150
	for i := range waiting {
		publish(t, p, message(fmt.Sprint(i)))
	}
	c := open(t, conn, "c", stream.AllEvents)
	for _, f := range []struct{ most, want int }{{100, 100}, {10_000, waiting - 100}} {
		got, err := c.Fetch(t.Context(), event.Limits{Messages: f.most, Linger: 100 * time.Millisecond})
		if err != nil || len(got) != f.want || cap(got) > f.want+f.want/8 {
			t.Errorf("at most %d: %d messages in the memory of %d, %v; want %d", f.most, len(got), cap(got), err, f.want)
		}
	}
}
