package stream_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
)

// The kind of fault: a stream answers 503 to every event, and status shows nothing.
func TestStatusOfAFullStream(t *testing.T) {
	t.Parallel()
	const limit = 64 << 10
	conn := streamtest.Start(t).Connect(stream.Settings{MaxBytes: limit})
	pub, err := stream.NewPublisher(conn, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer pub.Close()
	if text, err := json.Marshal(status(t, conn)); err != nil || !strings.Contains(string(text), `"problems":[]`) {
		t.Errorf("without problems a list is not empty: %s, %v", text, err)
	}
	saw := map[string]bool{}
	for i := 0; i < 1000 && err == nil; i++ {
		m := event.Message{Workspace: "acme", ID: fmt.Sprint("e", i), ObjectType: "email", Metric: "opened", ReceivedAt: time.Now(), Body: []byte(strings.Repeat("x", 1<<10))}
		_, err = pub.Publish(t.Context(), &m)
		for _, p := range status(t, conn).Problems {
			saw[p] = true
		}
	}
	if err == nil {
		t.Fatal("the stream is not full")
	}
	problems := status(t, conn).Problems
	if len(problems) != 1 || !strings.HasPrefix(problems[0], "stream CUSTOMERIO is full (6") || !strings.Contains(problems[0], " of 64.0 KiB): ingest answers 503 to every event") ||
		!strings.Contains(problems[0], "raise STREAM_MAX_BYTES, then run cioctl stream apply") {
		t.Errorf("problems of the full stream: %q", problems)
	}
	if len(saw) < 5 {
		t.Errorf("before, %d warnings: %v", len(saw), saw)
	}
}
