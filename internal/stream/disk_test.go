package stream_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/natsserver"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
)

// The disk of a single server is full for a moment. nats-server 2.15.2 keeps the write
// error and answers no message until it is restarted; its plain /healthz reports the
// error. The second file of the stream is a device that is always full.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	var dir string
	srv := streamtest.Start(t, func(o *natsserver.Options) { dir = o.StoreDir })
	conn := srv.Connect(stream.Settings{})
	full := filepath.Join(dir, "jetstream", "$G", "streams", stream.Name, "msgs", "2.blk")
	if err := os.Symlink("/dev/full", full); err != nil {
		t.Fatal(err)
	}
	p, err := stream.NewPublisher(conn, 500*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for ; err == nil && n < 20; n++ { // a file takes 8 MB
		_, err = p.Publish(t.Context(), large(n))
	}
	if !errors.Is(err, event.ErrStreamUnavailable) || !strings.Contains(err.Error(), "write error") {
		t.Errorf("Publish = %v, want ErrStreamUnavailable with the likely cause", err)
	}
	if err := srv.Health(); err == nil || !strings.Contains(err.Error(), "write error") {
		t.Errorf("/healthz says %v, want a write error", err)
	}
	srv.Stop()
	if err := os.Remove(full); err != nil {
		t.Fatal(err)
	}
	srv.Restart()
	publish(t, publisher(t, conn), large(n))
	if err := srv.Health(); err != nil {
		t.Errorf("after the restart /healthz says %v", err)
	}
}

func large(n int) *event.Message {
	m := message(fmt.Sprint("large", n))
	m.Body = make([]byte, 900_000)
	return m
}
