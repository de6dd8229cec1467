package stream_test

import (
	"bytes"
	"context"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/fault"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
)

// A logText collects log lines of several goroutines.
type logText struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logText) count(s string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), s)
}

func (l *logText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// keeping connects and watches the stream of dead letters until the test ends.
func keeping(t *testing.T, url string) (*stream.Conn, *logText) {
	t.Helper()
	log := &logText{}
	conn, err := stream.Connect(stream.Config{URL: url, Log: zerolog.New(log)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	if err := conn.WaitConnected(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn.KeepStreams(ctx, stream.Settings{})
	}()
	t.Cleanup(func() {
		stop()
		<-done
	})
	return conn, log
}

// within waits until a condition holds, for 15 s at most.
func within(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(15 * time.Second)
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("not within 15 s: " + what)
		}
	}
}

// A running program recreates a stream of dead letters that somebody has deleted, and
// says that the dead letters are lost. Until then nothing is stored, and a status does
// not say that there are no dead letters.
func TestDeletedDeadStreamIsRecreated(t *testing.T) {
	t.Parallel()
	srv := streamtest.Start(t)
	admin := srv.Connect(stream.Settings{})
	conn, log := keeping(t, srv.URL())
	p := publisher(t, conn)
	d := event.DeadLetter{Message: *message("abc"), From: "ingest", Reason: fault.ReasonNotJSON}
	storeDead(t, p, d)
	srv.DeleteStream(stream.DeadName)
	if s := status(t, admin); s.Dead != nil || len(s.Problems) != 1 || !strings.Contains(s.Problems[0], "CUSTOMERIO_DEAD is missing") {
		t.Errorf("status: dead letters %v, problems %q", s.Dead, s.Problems)
	}
	if err := p.StoreDeadLetter(t.Context(), &d); err == nil {
		t.Error("a dead letter is stored without a stream")
	}
	within(t, "the stream is back", func() bool { return p.StoreDeadLetter(t.Context(), &d) == nil })
	within(t, "the log says so", func() bool { return log.count("recreated: the dead letters that were in it are lost") == 1 })
	if len(conn.Notes()) != 0 || log.count("is missing") != 1 {
		t.Errorf("notes %q, %d log lines about the missing stream, want 1", conn.Notes(), log.count("is missing"))
	}
}

// A program that may not create streams, as ingest in production, says that the stream
// is missing until another program has created it.
func TestMissingDeadStreamIsNamed(t *testing.T) {
	t.Parallel()
	srv := streamtest.Start(t, func(o *server.Options) {
		deny := &server.Permissions{Publish: &server.SubjectPermission{Deny: []string{"$JS.API.STREAM.CREATE.>"}}}
		o.Users = []*server.User{{Username: "ingest", Password: "x", Permissions: deny}, {Username: "admin", Password: "y"}}
		o.NoAuthUser = "admin"
	})
	admin := srv.Connect(stream.Settings{})
	conn, log := keeping(t, strings.Replace(srv.URL(), "nats://", "nats://ingest:x@", 1))
	srv.DeleteStream(stream.DeadName)
	within(t, "the note", func() bool { return len(conn.Notes()) == 1 })
	if note := conn.Notes()[0]; !strings.Contains(note, "stream CUSTOMERIO_DEAD is missing") {
		t.Errorf("note %q", note)
	}
	if err := conn.Ready(t.Context()); err != nil {
		t.Errorf("Ready: %v; events can still be stored", err)
	}
	within(t, "the reason", func() bool { return log.count("not recreated") == 1 })
	ensure(t, admin)
	within(t, "no note", func() bool { return len(conn.Notes()) == 0 })
}

// Without a stream of dead letters, a Watch reports all but the number of dead letters:
// 0 would hide that the stream is missing.
func TestWatchWithoutDeadStream(t *testing.T) {
	t.Parallel()
	srv := streamtest.Start(t)
	conn := srv.Connect(stream.Settings{})
	reg := watching(t, conn, stream.WatchConfig{Every: often})
	want := map[string]float64{
		"stream_messages": 0, "stream_bytes": 0, "stream_max_bytes": 0, "stream_max_age_seconds": 720 * 3600,
		"dead_letters": 0, "dead_stream_bytes": 0, "dead_stream_max_bytes": 0, "held_suppressions": 0, "dead_letters_oldest_seconds": 0,
	}
	eventually(t, reg, want)
	srv.DeleteStream(stream.DeadName)
	maps.DeleteFunc(want, func(name string, _ float64) bool {
		return strings.Contains(name, "dead_") || name == "held_suppressions"
	})
	eventually(t, reg, want)
}
