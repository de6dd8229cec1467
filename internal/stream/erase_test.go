package stream_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/fault"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
)

// onDisk counts how often a text stands in the files of the stream of dead letters.
func onDisk(t *testing.T, store, text string) int {
	t.Helper()
	return onDiskOf(t, store, stream.DeadName, text)
}

// onDiskOf counts how often a text stands in the files of a stream.
func onDiskOf(t *testing.T, store, name, text string) int {
	t.Helper()
	n := 0
	root := filepath.Join(store, "jetstream", "$G", "streams", name)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		n += bytes.Count(data, []byte(text))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// waitOnDisk waits until a text stands n times in the files: the server writes soon
// after its answer.
func waitOnDisk(t *testing.T, store, text string, n int) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(10 * time.Second)
	for {
		got := onDisk(t, store, text)
		if got == n {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%q stands %d times in the files, want %d", text, got, n)
		}
	}
}

// The bytes of a deleted dead letter are gone from the server's files, the bytes of the
// others are still there.
func TestDeletedDeadLettersAreErased(t *testing.T) {
	t.Parallel()
	var store string
	srv := streamtest.Start(t, func(o *server.Options) { o.MaxPayload, store = 8<<10, o.StoreDir })
	conn := srv.Connect(stream.Settings{})
	p := publisher(t, conn)
	const secret, kept = "jo@secret.example", "ann@kept.example"
	for i := range 60 {
		address, size := secret, 10
		if i%2 == 1 {
			address = kept
		}
		if i%20 == 0 {
			size = 12_000 // in parts
		}
		d := event.DeadLetter{Message: *message(fmt.Sprint(i)), From: "some", Reason: fault.ReasonRejected, StoredAt: received, DiedAt: received}
		d.Body = []byte(strings.Repeat("x", size) + address)
		d.Err = address // the headers are erased, too
		storeDead(t, p, d)
	}
	// Once in each body and once in the headers of each entry. Three have three entries.
	waitOnDisk(t, store, secret, 60+6)
	waitOnDisk(t, store, kept, 60)
	for _, d := range listed(t, conn, stream.DeadSelection{}) {
		if d.Err == secret {
			if err := conn.DeleteDeadLetter(t.Context(), d.Entries); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := onDisk(t, store, secret); n != 0 {
		t.Errorf("the text of deleted dead letters stands %d times in the files", n)
	}
	waitOnDisk(t, store, kept, 60)
	conn.Close()
	srv.Stop()
	srv.Restart()
	left := listed(t, srv.Connect(stream.Settings{}), stream.DeadSelection{})
	if len(left) != 30 || onDisk(t, store, secret) != 0 {
		t.Errorf("after a restart: %d dead letters, want 30; the text stands %d times", len(left), onDisk(t, store, secret))
	}
}
