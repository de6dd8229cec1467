package stream_test

import (
	"strings"
	"testing"

	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
)

// Somebody deletes the consumer and the bucket of an old installation while no worker
// runs. Another consumer has a position, so the installation is not new: the effects
// consumer stands still instead of starting over.
func TestConsumerAndBucketDeleted(t *testing.T) {
	t.Parallel()
	srv := streamtest.Start(t)
	k := keep(t, srv)
	publishAll(t, k.conn, "a", "b")
	k.waitFor("a", "b")
	ack(t, fetch(t, open(t, k.conn, "warehouse", stream.AllEvents), 2)...)
	k.stop()
	deleteConsumer(t, srv)
	wants(t, "delete the bucket", jetStream(t, srv).DeleteKeyValue(t.Context(), stream.StateName), nil)

	k = keep(t, srv)
	k.wait("stands still", func() bool {
		err := k.d.Ready()
		return err != nil && strings.Contains(err.Error(), "cioctl consumer start suppression --from now|beginning|SEQUENCE")
	})
	k.stop()
	k = keep(t, srv) // also after a restart
	k.wait("stands still", func() bool {
		err := k.d.Ready()
		return err != nil && strings.Contains(err.Error(), "cioctl consumer start suppression")
	})
	publishAll(t, k.conn, "c")
	wants(t, "start the consumer", k.conn.StartConsumer(t.Context(), effects, 2), nil)
	k.waitFor("c")
}

// In a new installation another consumer may exist, too, without a position: workers
// start apart. The effects consumer begins with the first event.
func TestNewInstallationBegins(t *testing.T) {
	t.Parallel()
	srv := streamtest.Start(t)
	conn := srv.Connect(stream.Settings{})
	publishAll(t, conn, "a")
	fetch(t, open(t, conn, "warehouse", stream.AllEvents), 1) // not settled
	keep(t, srv).waitFor("a")
}

// Without the stream no bucket is created: the credentials may belong to another
// account.
func TestNoBucketWithoutStream(t *testing.T) {
	t.Parallel()
	srv := streamtest.Start(t)
	conn := srv.Connect(stream.Settings{})
	srv.DeleteStream(stream.Name)
	if err := conn.PrepareState(t.Context(), stream.Settings{}, nil, isEffects); err == nil {
		t.Error("PrepareState without a stream succeeds")
	}
	_, err := jetStream(t, srv).KeyValue(t.Context(), stream.StateName)
	if err == nil {
		t.Error("the bucket is created")
	}
}
