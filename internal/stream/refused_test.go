package stream_test

import (
	"context"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"

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
