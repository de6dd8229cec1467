package stream_test

import (
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/fault"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
)

// createDenying creates a stream that refuses deletion, as c826c92 created CUSTOMERIO.
func createDenying(t *testing.T, srv *streamtest.Server, name string, subjects ...string) jetstream.JetStream {
	t.Helper()
	js, err := jetstream.New(client(t, srv))
	if err != nil {
		t.Fatal(err)
	}
	_, err = js.CreateStream(t.Context(), jetstream.StreamConfig{
		Name: name, Subjects: subjects, Retention: jetstream.LimitsPolicy, Discard: jetstream.DiscardNew, Storage: jetstream.FileStorage,
		Replicas: 1, MaxMsgs: -1, MaxMsgSize: -1, MaxBytes: -1, MaxAge: 720 * time.Hour, Duplicates: 2 * time.Hour, DenyDelete: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	return js
}

// A stream that refuses deletion is reported with the steps, and every other setting of
// the stream can still be changed.
func TestStreamThatRefusesDeletion(t *testing.T) {
	t.Parallel()
	srv := streamtest.Start(t)
	createDenying(t, srv, stream.Name, "customerio.events.>", "customerio.redrive.>")
	conn := srv.Connect(stream.Settings{})
	differences, err := conn.Ensure(t.Context(), stream.Settings{})
	if err != nil || len(differences) != 1 || !strings.Contains(differences[0], "stream CUSTOMERIO refuses the deletion") ||
		!strings.Contains(differences[0], "docs/operations.md") {
		t.Errorf("Ensure = %q, %v", differences, err)
	}
	if got := status(t, conn).Problems; len(got) != 1 || got[0] != differences[0] {
		t.Errorf("status says %q, want %q", got, differences)
	}
	if err := conn.Apply(t.Context(), stream.Settings{MaxBytes: 1 << 30}, false); err != nil {
		t.Errorf("Apply: %v", err)
	}
	if got := status(t, conn).Stream.MaxBytes; got != 1<<30 {
		t.Errorf("MaxBytes is %d after Apply", got)
	}

	srv.DeleteStream(stream.Name) // the documented step
	if err := conn.Apply(t.Context(), stream.Settings{}, false); err != nil {
		t.Fatal(err)
	}
	if differences, err := conn.Ensure(t.Context(), stream.Settings{}); err != nil || len(differences) != 0 {
		t.Errorf("Ensure of the recreated stream = %q, %v", differences, err)
	}
}

// New streams allow the deletion of a message.
func TestNewStreamsAllowDeletion(t *testing.T) {
	t.Parallel()
	srv := streamtest.Start(t)
	conn := srv.Connect(stream.Settings{})
	p := publisher(t, conn)
	publish(t, p, message("a"))
	storeDead(t, p, event.DeadLetter{Message: *message("b"), From: "some", Reason: fault.ReasonPanic, StoredAt: received})
	js, err := jetstream.New(client(t, srv))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{stream.Name, stream.DeadName} {
		st, err := js.Stream(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		if err := st.SecureDeleteMsg(t.Context(), 1); err != nil {
			t.Errorf("delete a message of %s: %v", name, err)
		}
	}
	if got := status(t, conn).Problems; len(got) != 0 {
		t.Errorf("status says %q", got)
	}
}

// Deleting from a stream of dead letters that refuses deletion says what to do.
func TestDeadStreamThatRefusesDeletion(t *testing.T) {
	t.Parallel()
	srv := streamtest.Start(t)
	createDenying(t, srv, stream.DeadName, "customerio.dead.>")
	conn := srv.Connect(stream.Settings{})
	storeDead(t, publisher(t, conn), event.DeadLetter{Message: *message("b"), From: "some", Reason: fault.ReasonPanic, StoredAt: received})
	if err := conn.DeleteDeadLetter(t.Context(), []uint64{1}); err == nil || !strings.Contains(err.Error(), "recreate the stream") {
		t.Errorf("delete: %v", err)
	}
	if got := status(t, conn).Problems; len(got) != 1 || !strings.Contains(got[0], stream.DeadName) {
		t.Errorf("status says %q", got)
	}
}
