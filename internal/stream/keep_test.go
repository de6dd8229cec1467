package stream_test

import (
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/natsserver"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
)

// A running program recreates the stream of events within 10 s after its deletion, and
// says that the events are lost.
func TestDeletedStreamIsRecreated(t *testing.T) {
	t.Parallel()
	srv := streamtest.Start(t)
	srv.Connect(stream.Settings{})
	conn, log := keeping(t, srv.URL())
	p := publisher(t, conn)
	publish(t, p, message("a"))
	deleted := time.Now()
	srv.DeleteStream(stream.Name)
	within(t, "not ready", func() bool {
		err := conn.Ready(t.Context())
		return err != nil && strings.Contains(err.Error(), "stream CUSTOMERIO is missing")
	})
	within(t, "the stream is back", func() bool {
		_, err := p.Publish(t.Context(), message("b"))
		return err == nil
	})
	if took := time.Since(deleted); took < 3*time.Second || took > 10*time.Second {
		t.Errorf("the stream is back after %s, want 3 to 10 s", took)
	}
	within(t, "the log", func() bool {
		return log.count("missing stream of events recreated: the events that were in it are lost") == 1
	})
	if err := conn.Ready(t.Context()); err != nil || log.count(`"level":"error"`) != 2 {
		t.Errorf("Ready says %v, and the log has %d errors, want 2", err, log.count(`"level":"error"`))
	}
}

// Both streams are deleted while the connection lasts: the account is the right one.
func TestBothStreamsAreRecreated(t *testing.T) {
	t.Parallel()
	srv := streamtest.Start(t)
	admin := srv.Connect(stream.Settings{})
	keeping(t, srv.URL())
	srv.DeleteStream(stream.Name)
	srv.DeleteStream(stream.DeadName)
	within(t, "the streams are back", func() bool {
		s, err := admin.Status(t.Context())
		return err == nil && s.Dead != nil
	})
}

// After a reconnect to another account neither stream is there. The program creates
// nothing in the wrong account, and says why.
func TestStreamsOfAnotherAccount(t *testing.T) {
	t.Parallel()
	var options *natsserver.Options
	srv := streamtest.Start(t, streamtest.Configured(t, `
		accounts { RIGHT { jetstream: enabled, users: [{user: right, password: x}] }, WRONG { jetstream: enabled, users: [{user: wrong, password: x}] } }
		no_auth_user: right`), func(o *natsserver.Options) { options = o })
	srv.Connect(stream.Settings{})
	conn, log := keeping(t, srv.URL())
	within(t, "ready", func() bool { return conn.Ready(t.Context()) == nil })

	srv.Stop()
	options.NoAuthUser = "wrong"
	srv.Restart()
	within(t, "the reason", func() bool {
		err := conn.Ready(t.Context())
		return err != nil && strings.Contains(err.Error(), "another server, account or JetStream domain")
	})
	<-time.After(7 * time.Second) // longer than a recreation takes
	if log.count("recreated") != 0 || conn.Ready(t.Context()) == nil {
		t.Errorf("the streams are created in another account")
	}

	srv.Stop()
	options.NoAuthUser = "right"
	srv.Restart()
	within(t, "ready again", func() bool { return conn.Ready(t.Context()) == nil && len(conn.Notes()) == 0 })
}

// Somebody deletes the stream and creates it again between two looks: its time of
// creation tells.
func TestStreamReplacedBySomebody(t *testing.T) {
	t.Parallel()
	srv := streamtest.Start(t)
	srv.Connect(stream.Settings{})
	conn, log := keeping(t, srv.URL())
	js := jetStream(t, srv)
	recreate(t, js, stream.Name, func(c *jetstream.StreamConfig) { c.MaxMsgSize = 1000 })
	within(t, "a look", func() bool { return len(conn.Notes()) == 1 })
	before := log.count("missing stream of events recreated")
	recreate(t, js, stream.Name, func(*jetstream.StreamConfig) {})
	within(t, "the log", func() bool { return log.count("missing stream of events recreated") == before+1 })
}
