package stream_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
)

// A worker whose user lacks the permissions for the bucket says so, and creates no
// consumer with effects: nobody knows where the consumer would begin. The warehouse goes
// on.
func TestStateRefused(t *testing.T) {
	t.Parallel()
	srv := streamtest.Start(t, func(o *server.Options) {
		o.Users = []*server.User{{Username: "old", Password: "p", Permissions: &server.Permissions{
			Publish: &server.SubjectPermission{Deny: []string{"$KV.>", "$JS.API.STREAM.*.KV_CIOEVENTS_STATE"}},
		}}}
	})
	url := strings.Replace(srv.URL(), "nats://", "nats://old:p@", 1)
	conn := connect(t, stream.Config{URL: url})
	if err := conn.EnsureUntil(t.Context(), stream.Settings{}); err != nil {
		t.Fatal(err)
	}
	prepare := func(ctx context.Context) error { return conn.PrepareState(ctx, stream.Settings{}, nil, isEffects) }
	held := conn.NewDurable(stream.DurableConfig{Name: effects, Subjects: []string{stream.AllEvents}, KeepFloor: true, Prepare: prepare})
	rows := conn.NewDurable(stream.DurableConfig{Name: "warehouse", Subjects: []string{stream.AllEvents}})
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	go held.Run(ctx)
	go rows.Run(ctx)
	k := &kept{t: t, conn: conn, d: held, logs: &logs{}}
	k.wait("refused", func() bool {
		err := held.Ready()
		return err != nil && strings.Contains(err.Error(), "permissions violation")
	})
	k.wait("warehouse ready", func() bool { return rows.Ready() == nil })
	publishAll(t, conn, "a")
	k.d = rows
	go k.work(ctx)
	k.waitFor("a")
}

// A program that may not create streams, as ingest in production, says so once for each
// connection. Every further try gets the same answer until a worker has created the stream.
func TestRefusalIsLoggedOnce(t *testing.T) {
	t.Parallel()
	srv := streamtest.Start(t, func(o *server.Options) {
		o.Users = []*server.User{{Username: "ingest", Password: "p", Permissions: &server.Permissions{
			Publish: &server.SubjectPermission{Deny: []string{"$JS.API.STREAM.CREATE.>"}},
		}}}
	})
	log := &logText{}
	conn, err := stream.Connect(stream.Config{URL: strings.Replace(srv.URL(), "nats://", "nats://ingest:p@", 1), Log: zerolog.New(log)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	if err := conn.WaitConnected(t.Context()); err != nil {
		t.Fatal(err)
	}
	try := func() {
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		if _, err := conn.Ensure(ctx, stream.Settings{}); !errors.Is(err, nats.ErrPermissionViolation) {
			t.Errorf("Ensure: %v, want the missing permission", err)
		}
	}
	const line = `"NATS error"`
	for range 3 {
		try()
	}
	if n := log.count(line); n != 1 {
		t.Errorf("%d log lines after three tries, want 1", n)
	}
	srv.Stop()
	srv.Restart()
	if err := conn.WaitConnected(t.Context()); err != nil {
		t.Fatal(err)
	}
	within(t, "the new connection", func() bool { return log.count("reconnected to NATS") == 1 })
	try()
	if n := log.count(line); n != 2 {
		t.Errorf("%d log lines after a new connection, want 2", n)
	}
}
