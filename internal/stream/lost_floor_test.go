package stream_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

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

// The creator of the bucket is interrupted between the bucket and its last floor. Another
// start completes the bucket, and the effects consumer begins with the first event.
func TestBucketWithoutItsFloors(t *testing.T) {
	t.Parallel()
	for name, written := range map[string][]string{"none": nil, "one": {"floor.engagement"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := streamtest.Start(t)
			conn := srv.Connect(stream.Settings{})
			publishAll(t, conn, "a")
			if _, err := conn.CreateState(t.Context(), stream.Settings{}); err != nil {
				t.Fatal(err)
			}
			for _, key := range written {
				_, err := conn.State().Create(t.Context(), key, []byte("{}"), 0)
				wants(t, "write a floor", err, nil)
			}
			keep(t, srv).waitFor("a")
		})
	}
}

// No consumer is created before the bucket has its floors: a first consumer that had
// settled an event would make a new installation look old.
func TestFirstConsumerWaitsForBucket(t *testing.T) {
	t.Parallel()
	srv := streamtest.Start(t)
	conn := srv.Connect(stream.Settings{})
	publishAll(t, conn, "a")
	var reached atomic.Bool
	cfg := stream.DurableConfig{
		Name: "warehouse", Subjects: []string{stream.AllEvents}, CheckEvery: 10 * time.Millisecond,
		Prepare: func(context.Context) error {
			if !reached.Load() {
				return errAway
			}
			return nil
		},
	}
	rows := conn.NewDurable(cfg)
	go rows.Run(t.Context())
	k := &kept{t: t, conn: conn, d: rows, logs: &logs{}}
	k.wait("the bucket is away", func() bool { return errors.Is(rows.Ready(), errAway) })
	wants(t, "create the consumer with its store", conn.CreateLinked(t.Context(), cfg, stream.Store{ID: "1"}), errAway)
	if _, err := jetStream(t, srv).Consumer(t.Context(), stream.Name, "warehouse"); !errors.Is(err, jetstream.ErrConsumerNotFound) {
		t.Errorf("look up the consumer: error %v, want none there", err)
	}
	reached.Store(true)
	k.wait("ready", func() bool { return rows.Ready() == nil })
}

var errAway = errors.New("away")

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
