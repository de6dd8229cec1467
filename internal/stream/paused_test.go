package stream_test

import (
	"strings"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
)

// A pause of a consumer is in the status and in the instruments, and ends by itself.
func TestPausedConsumer(t *testing.T) {
	t.Parallel()
	srv := streamtest.Start(t)
	conn := srv.Connect(stream.Settings{})
	c := open(t, conn, "warehouse", stream.AllEvents)
	publishAll(t, conn, "a")
	reg := watching(t, conn, stream.WatchConfig{Consumers: []string{"warehouse"}, Every: often})
	until := time.Now().Add(4 * time.Second).UTC()
	if _, err := jetStream(t, srv).PauseConsumer(t.Context(), stream.Name, "warehouse", until); err != nil {
		t.Fatal(err)
	}
	s := status(t, conn)
	if got := s.Consumers[0].PausedUntil; got == nil || !got.Equal(until) {
		t.Errorf("paused until %v, want %v", got, until)
	}
	if want := "consumer warehouse is paused until " + until.Format(time.RFC3339); len(s.Problems) != 1 || !strings.Contains(s.Problems[0], want) ||
		!strings.Contains(s.Problems[0], "nats consumer resume CUSTOMERIO warehouse") {
		t.Errorf("problems %q, want %q", s.Problems, want)
	}
	within(t, "the instrument", func() bool {
		left := gather(t, reg)["consumer_paused_seconds warehouse"]
		return left > 0 && left <= 4
	})
	fetchOne(t, c, "a") // waits for 5 s
	within(t, "the end of the pause", func() bool { return gather(t, reg)["consumer_paused_seconds warehouse"] == 0 })
	if s := status(t, conn); s.Consumers[0].PausedUntil != nil || len(s.Problems) != 0 {
		t.Errorf("after the pause: %v, %q", s.Consumers[0].PausedUntil, s.Problems)
	}
}

// A worker leaves a paused consumer paused.
func TestWorkerKeepsAPause(t *testing.T) {
	t.Parallel()
	srv := streamtest.Start(t)
	k := keep(t, srv)
	publishAll(t, k.conn, "a")
	k.waitFor("a")
	js := jetStream(t, srv)
	if _, err := js.PauseConsumer(t.Context(), stream.Name, effects, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	k.stop()
	k = keep(t, srv)
	k.wait("ready", func() bool { return k.d.Ready() == nil })
	if s := status(t, k.conn); s.Consumers[0].PausedUntil == nil {
		t.Error("the worker has ended the pause")
	}
	if _, err := js.ResumeConsumer(t.Context(), stream.Name, effects); err != nil {
		t.Fatal(err)
	}
	publishAll(t, k.conn, "b")
	k.waitFor("b")
}
