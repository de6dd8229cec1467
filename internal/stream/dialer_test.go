package stream_test

import (
	"testing"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
)

// A program whose password the server refuses for a while keeps no connection of a
// refused try open.
func TestRefusedConnectionsAreClosed(t *testing.T) {
	t.Parallel()
	const tries = 6
	srv := streamtest.Start(t, func(o *server.Options) { o.Username, o.Password = "old", "p" })
	refusing := newNetwork(t, srv)
	conn := connect(t, stream.Config{URL: refusing.url})
	if err := conn.WaitConnected(t.Context()); err != nil {
		t.Fatal(err)
	}
	srv.Reload(func(o *server.Options) { o.Password = "new" })
	within(t, "the refused tries", func() bool { return refusing.dialed.Load() > tries })
	if n := refusing.open.Load(); n > 2 {
		t.Errorf("%d connections are open after %d refused tries, want the last one only", n, tries)
	}
	srv.Reload(func(o *server.Options) { o.Password = "p" })
	works(t, conn)
}
