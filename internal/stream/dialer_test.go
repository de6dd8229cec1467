package stream_test

import (
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/cioevents/cioevents/internal/event"
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

// A server that vanishes without a FIN stops ingest for less than 10 s, and the worker for
// up to pollWait longer: a fetch whose request is lost waits for its end.
func TestVanishedServerIsNoticed(t *testing.T) {
	t.Parallel()
	t.Run("plain", func(t *testing.T) {
		t.Parallel()
		testVanishedServer(t, streamtest.Start(t), stream.Config{})
	})
	t.Run("TLS", func(t *testing.T) {
		t.Parallel()
		id := newIdentity(t)
		testVanishedServer(t, streamtest.Start(t, tlsOnly(id, nil)), stream.Config{TLSCA: id.cert})
	})
}

func testVanishedServer(t *testing.T, srv *streamtest.Server, cfg stream.Config) {
	t.Helper()
	lost := newNetwork(t, srv)
	cfg.URL = lost.url
	ingest, worker := connect(t, cfg), connect(t, cfg)
	works(t, ingest)
	p, c := publisher(t, ingest), open(t, worker, "all", stream.AllEvents)
	fetched := make(chan string, 100)
	go func() {
		for t.Context().Err() == nil {
			attempts, err := c.Fetch(t.Context(), event.Limits{Messages: 1})
			for i := range attempts {
				fetched <- attempts[i].ID
			}
			if err != nil {
				<-time.After(100 * time.Millisecond) // as the worker's own loop
			}
		}
	}()
	publish(t, p, message("before"))
	within(t, "the first event at the worker", func() bool { return arrived(fetched, "before") })
	lost.silence()
	begin := time.Now()
	within(t, "an accepted event", func() bool {
		_, err := p.Publish(t.Context(), message("after"))
		return err == nil
	})
	if took := time.Since(begin); took > 10*time.Second {
		t.Errorf("the event is accepted after %v, want less than 10 s", took)
	}
	within(t, "the event at the worker", func() bool { return arrived(fetched, "after") })
}

func arrived(ids <-chan string, want string) bool {
	select {
	case id := <-ids:
		return id == want
	default:
		return false
	}
}
