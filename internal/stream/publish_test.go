package stream_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats-server/v2/server"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/fault"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
)

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	conn := streamtest.Start(t).Connect(stream.Settings{})
	p := publisher(t, conn)
	m := message("abc")
	m.Stripped, m.TraceParent = "body,headers", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	publish(t, p, m)
	if duplicate, err := p.Publish(t.Context(), m); !duplicate || err != nil {
		t.Errorf("the second Publish = %v, %v", duplicate, err)
	}
	c := open(t, conn, "all", stream.AllEvents)

	a := fetchOne(t, c, "abc")
	if diff := cmp.Diff(m, &a.Message); diff != "" {
		t.Errorf("message (-published +fetched):\n%s", diff)
	}
	if a.Number != 1 || a.Sequence != 1 || a.Subject != "customerio.events.acme.email.opened" || a.StoredAt.IsZero() {
		t.Errorf("fetched %+v", a)
	}
	if err := errors.Join(a.Settle.Extend(), a.Settle.Retry(0)); err != nil {
		t.Fatal(err)
	}
	a = fetchOne(t, c, "abc")
	if a.Number != 2 {
		t.Errorf("attempt %d, want 2", a.Number)
	}
	if err := a.Settle.AckSync(); err != nil {
		t.Fatal(err)
	}

	publish(t, p, message("terminated"))
	a = fetchOne(t, c, "terminated")
	if err := a.Settle.Term(fault.ReasonRejected); err != nil {
		t.Fatal(err)
	}
	publish(t, p, message("last"))
	if err := fetchOne(t, c, "last").Settle.AckSync(); err != nil {
		t.Fatal(err)
	}
	if got := status(t, conn).Consumers; len(got) != 1 || got[0].Lag != 0 || got[0].LastAck == nil {
		t.Errorf("consumers %+v, want one without lag", got)
	}
}

func TestRetryWaits(t *testing.T) {
	t.Parallel()
	conn := streamtest.Start(t).Connect(stream.Settings{})
	publish(t, publisher(t, conn), message("abc"))
	c := open(t, conn, "all", stream.AllEvents)
	if err := fetchOne(t, c, "abc").Settle.Retry(400 * time.Millisecond); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	fetchOne(t, c, "abc")
	if waited := time.Since(start); waited < 300*time.Millisecond {
		t.Errorf("redelivered after %v", waited)
	}
}

// The same event_id in two workspaces names two events.
func TestWorkspacesAreApart(t *testing.T) {
	t.Parallel()
	conn := streamtest.Start(t).Connect(stream.Settings{})
	p := publisher(t, conn)
	other := message("abc")
	other.Workspace = "globex"
	publish(t, p, message("abc"))
	publish(t, p, other)
}

func TestSameIDConcurrently(t *testing.T) {
	t.Parallel()
	conn := streamtest.Start(t).Connect(stream.Settings{})
	p := publisher(t, conn)
	var fresh, failed atomic.Int32
	var wg sync.WaitGroup
	for range 200 {
		wg.Go(func() {
			duplicate, err := p.Publish(t.Context(), message("abc"))
			switch {
			case err != nil:
				failed.Add(1)
			case !duplicate:
				fresh.Add(1)
			}
		})
	}
	wg.Wait()
	if fresh.Load() != 1 || failed.Load() != 0 || stored(t, conn) != 1 {
		t.Errorf("%d calls stored the message, %d failed, the stream has %d messages", fresh.Load(), failed.Load(), stored(t, conn))
	}
}

func TestStreamFull(t *testing.T) {
	t.Parallel()
	conn := streamtest.Start(t).Connect(stream.Settings{MaxBytes: 10_000})
	p := publisher(t, conn)
	var err error
	n := 0
	for ; err == nil && n < 100; n++ {
		m := message(fmt.Sprint(n))
		m.Body = []byte(strings.Repeat("x", 1000))
		_, err = p.Publish(t.Context(), m)
	}
	if !errors.Is(err, event.ErrStreamFull) || n < 3 {
		t.Fatalf("Publish %d = %v", n, err)
	}
	if err := conn.Apply(t.Context(), stream.Settings{MaxBytes: 100_000}, false); err != nil {
		t.Fatal(err)
	}
	publish(t, p, message("more"))
}

func TestTooLarge(t *testing.T) {
	t.Parallel()
	conn := streamtest.Start(t, func(o *server.Options) { o.MaxPayload = 8 << 10 }).Connect(stream.Settings{})
	p := publisher(t, conn)
	fits, over := message("fits"), message("over")
	fits.Body, over.Body = make([]byte, p.MaxBody()), make([]byte, 9<<10)
	publish(t, p, fits)
	_, err := p.Publish(t.Context(), over)
	if reason, ok := fault.PermanentReason(err); !ok || reason != fault.ReasonTooLarge {
		t.Errorf("Publish = %v", err)
	}
}

func TestNobodyListens(t *testing.T) {
	t.Parallel()
	srv := streamtest.Start(t)
	conn, err := stream.Connect(stream.Config{URL: srv.URL()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	p, err := stream.NewPublisher(conn, 600*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Publish(t.Context(), message("abc")); !errors.Is(err, event.ErrStreamUnavailable) {
		t.Errorf("Publish without a stream = %v", err)
	}
	if err := conn.Ready(t.Context()); err == nil {
		t.Error("ready without a stream")
	}
}
