package workerapp_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/cioevents/cioevents/internal/app/workerapp"
	"github.com/cioevents/cioevents/internal/customerio/customeriotest"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
)

func credentials() map[string]string {
	return map[string]string{"CUSTOMERIO_SITE_ID": "s", "CUSTOMERIO_TRACK_API_KEY": "k"}
}

// complaints returns the bodies of n spam complaints.
func complaints(from, n int) (bodies []string) {
	for i := from; i < from+n; i++ {
		bodies = append(bodies, fmt.Sprintf(`{"event_id":"spam-%d","object_type":"email","metric":"spammed","timestamp":1755600006,"data":{"identifiers":{"cio_id":"p%d"}}}`, i, i))
	}
	return bodies
}

// An operator is somebody with the tool of NATS.
func operator(t *testing.T, srv *streamtest.Server) jetstream.JetStream {
	t.Helper()
	nc, err := nats.Connect(srv.URL(), nats.MaxReconnects(-1), nats.ReconnectWait(50*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	return js
}

// eventually waits for a condition.
func (s *scene) eventually(what string, is func() bool) {
	s.t.Helper()
	tick, deadline := time.NewTicker(20*time.Millisecond), time.After(20*time.Second)
	defer tick.Stop()
	for !is() {
		select {
		case <-tick.C:
		case <-deadline:
			s.t.Fatalf("%s: not so; calls %+v, log:\n%s", what, s.fake.Counts(), &s.log)
		}
	}
}

func (s *scene) wantSuppressed(n int) {
	s.t.Helper()
	s.eventually(fmt.Sprintf("%d suppressions", n), func() bool { return s.fake.Counts().Suppress >= n })
	if got := s.fake.Counts().Suppress; got != n {
		s.t.Fatalf("%d suppressions, want %d", got, n)
	}
}

// The durable consumer of a running worker is deleted: nobody is suppressed again, also
// not after a restart of a single server, which may lose a consumer that was created
// within milliseconds after the deletion.
func TestDeletedConsumerSuppressesNobodyAgain(t *testing.T) {
	t.Parallel()
	srv := streamtest.Start(t)
	s := startOn(t, srv, srv.Connect(stream.Settings{}), credentials())
	s.handle("default", complaints(0, 32)...)
	s.wantSuppressed(32)
	js := operator(t, srv)
	if err := js.DeleteConsumer(t.Context(), stream.Name, workerapp.Suppression); err != nil {
		t.Fatal(err)
	}
	deleted := time.Now()
	s.handle("default", complaints(32, 1)...)
	s.wantSuppressed(33)
	if wait := time.Since(deleted); wait < 3*time.Second {
		t.Errorf("the consumer was created %s after its deletion, want at least 3 s", wait)
	}
	srv.Stop()
	srv.Restart()
	s.eventually("connected", func() bool { return s.conn.Ready(t.Context()) == nil })
	s.handle("default", complaints(33, 1)...)
	s.wantSuppressed(34)
	info, err := js.Consumer(t.Context(), stream.Name, workerapp.Suppression)
	if err != nil || info.CachedInfo().AckFloor.Stream != 34 {
		t.Errorf("consumer %+v, %v, want all 34 messages settled", info, err)
	}
	for _, want := range []string{`"level":"error"`, "somebody has deleted the consumer: restored where it stood"} {
		if !strings.Contains(s.log.String(), want) {
			t.Errorf("the log lacks %q:\n%s", want, &s.log)
		}
	}
}

// A consumer gets a limit of one delivery while the worker runs, and the Track API
// refuses a call once: both complaints are performed.
func TestEditedConsumerLosesNoComplaint(t *testing.T) {
	t.Parallel()
	srv := streamtest.Start(t)
	s := startOn(t, srv, srv.Connect(stream.Settings{}), credentials())
	s.handle("default", complaints(0, 1)...)
	s.wantSuppressed(1)
	js := operator(t, srv)
	cons, err := js.Consumer(t.Context(), stream.Name, workerapp.Suppression)
	if err != nil {
		t.Fatal(err)
	}
	cfg := cons.CachedInfo().Config
	cfg.MaxDeliver = 1
	if _, err := js.UpdateConsumer(t.Context(), stream.Name, cfg); err != nil {
		t.Fatal(err)
	}
	var failed atomic.Bool
	s.fake.SetFault(func(*http.Request) *customeriotest.Fault {
		if failed.CompareAndSwap(false, true) {
			return &customeriotest.Fault{Status: http.StatusInternalServerError}
		}
		return nil
	})
	s.handle("default", complaints(1, 2)...)
	s.wantSuppressed(3)
	if got := s.deadLetters(); len(got) != 0 {
		t.Errorf("dead letters %+v", got)
	}
	s.eventually("set back", func() bool {
		cons, err := js.Consumer(t.Context(), stream.Name, workerapp.Suppression)
		return err == nil && cons.CachedInfo().Config.MaxDeliver == -1
	})
	if text := "max deliver is 1, wanted is -1"; !strings.Contains(s.log.String(), text) {
		t.Errorf("the log lacks %q:\n%s", text, &s.log)
	}
}

// A worker that does not know where its consumer stood is not ready, and says what to
// run.
func TestWorkerStandsStill(t *testing.T) {
	t.Parallel()
	srv := streamtest.Start(t)
	conn := srv.Connect(stream.Settings{})
	if _, err := conn.CreateState(t.Context(), stream.Settings{}); err != nil {
		t.Fatal(err)
	}
	const floor = "floor." + workerapp.Suppression
	if err := errors.Join(conn.State().Put(t.Context(), floor, []byte("{}")), conn.State().Delete(t.Context(), floor)); err != nil {
		t.Fatal(err)
	}
	before := &scene{t: t, conn: conn}
	before.publish("default", spammed)
	s := startOn(t, srv, conn, credentials())
	s.eventually("not ready", func() bool { return strings.Contains(s.readyz(), "cioctl consumer start suppression --from") })
	if c := s.fake.Counts(); c.Suppress != 0 {
		t.Errorf("calls %+v, want none", c)
	}
	if err := conn.StartConsumer(t.Context(), workerapp.Suppression, 0); err != nil {
		t.Fatal(err)
	}
	s.wantSuppressed(1)
	s.eventually("ready", func() bool { return strings.HasPrefix(s.readyz(), "ready") })
}
