package stream_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/nats-io/nats-server/v2/server"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/fault"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
)

var received = time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.UTC)

func message(id string) *event.Message {
	return &event.Message{
		Workspace: "acme", ID: id, ObjectType: "email", Metric: "opened", ReceivedAt: received,
		Body: []byte(`{"event_id":"` + id + `"}` + "\n"),
	}
}

func publisher(t *testing.T, conn *stream.Conn) *stream.Publisher {
	t.Helper()
	p, err := stream.NewPublisher(conn, 0)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func publish(t *testing.T, p *stream.Publisher, m *event.Message) {
	t.Helper()
	if duplicate, err := p.Publish(t.Context(), m); duplicate || err != nil {
		t.Fatalf("Publish(%s) = %v, %v", m.ID, duplicate, err)
	}
}

func open(t *testing.T, conn *stream.Conn, name string, subjects ...string) *stream.Consumer {
	t.Helper()
	c, err := conn.OpenConsumer(t.Context(), name, subjects)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func fetch(t *testing.T, c *stream.Consumer, n int) []event.Attempt {
	t.Helper()
	attempts, err := c.Fetch(t.Context(), event.Limits{Messages: n, Linger: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	return attempts
}

// fetchOne fails unless exactly the message with this id comes.
func fetchOne(t *testing.T, c *stream.Consumer, id string) event.Attempt {
	t.Helper()
	attempts := fetch(t, c, 10)
	if len(attempts) != 1 || attempts[0].ID != id {
		t.Fatalf("fetched %v, want %s", ids(attempts), id)
	}
	return attempts[0]
}

func ids(attempts []event.Attempt) []string {
	list := []string{}
	for i := range attempts {
		list = append(list, attempts[i].ID)
	}
	return list
}

func stored(t *testing.T, conn *stream.Conn) uint64 {
	t.Helper()
	return status(t, conn).Stream.Messages
}

func status(t *testing.T, conn *stream.Conn) *stream.Status {
	t.Helper()
	s, err := conn.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

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
	if diff := cmp.Diff(*m, a.Message); diff != "" {
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
		t.Errorf("it came again after %v", waited)
	}
}

// The same event of two workspaces is two events.
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
		t.Errorf("%d stored it, %d failed, %d are in the stream", fresh.Load(), failed.Load(), stored(t, conn))
	}
}

func TestServerAway(t *testing.T) {
	t.Parallel()
	srv := streamtest.Start(t)
	conn := srv.Connect(stream.Settings{})
	p := publisher(t, conn)
	srv.Stop()
	waitAway(t, conn)
	for i := range 3 {
		start := time.Now()
		_, err := p.Publish(t.Context(), message(fmt.Sprint("lost", i)))
		if !errors.Is(err, event.ErrStreamUnavailable) || time.Since(start) > time.Second {
			t.Fatalf("Publish = %v after %v", err, time.Since(start))
		}
	}
	if conn.Ready(t.Context()) == nil {
		t.Error("ready without a server")
	}
	srv.Restart()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := conn.WaitConnected(ctx); err != nil {
		t.Fatal(err)
	}
	publish(t, p, message("abc"))
	if err := conn.Ready(ctx); err != nil {
		t.Errorf("Ready = %v", err)
	}
	if n := stored(t, conn); n != 1 {
		t.Errorf("%d messages are stored, want the one that was confirmed", n)
	}
}

// waitAway returns when the connection has noticed that its server is gone.
func waitAway(t *testing.T, conn *stream.Conn) {
	t.Helper()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for errors.Is(conn.Ready(ended), context.Canceled) { // it is connected, and gets no further
		<-tick.C
	}
}

func TestWaitConnectedEnds(t *testing.T) {
	t.Parallel()
	srv := streamtest.Start(t)
	conn := srv.Connect(stream.Settings{})
	srv.Stop()
	waitAway(t, conn)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := conn.WaitConnected(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("WaitConnected = %v", err)
	}
	if err := conn.EnsureUntil(ctx, stream.Settings{}); !errors.Is(err, context.Canceled) {
		t.Errorf("EnsureUntil = %v", err)
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

func TestConnectRefuses(t *testing.T) {
	t.Parallel()
	for _, cfg := range []stream.Config{{TLSCert: "cert.pem"}, {TLSKey: "key.pem"}, {TLSCA: "/nowhere"}, {URL: "nats://%zz"}} {
		conn, err := stream.Connect(cfg)
		if err == nil {
			conn.Close()
			t.Errorf("Connect(%+v) succeeds", cfg)
		}
	}
}

var ignoreTime = cmpopts.IgnoreFields(stream.StreamStatus{}, "First", "Last", "Bytes")

func TestStatus(t *testing.T) {
	t.Parallel()
	conn := streamtest.Start(t).Connect(stream.Settings{MaxBytes: 1 << 20})
	p := publisher(t, conn)
	for i := range 3 {
		publish(t, p, message(fmt.Sprint(i)))
	}
	c := open(t, conn, "b", stream.AllEvents)
	open(t, conn, "a", "customerio.events.*.*.bounced")
	fetch(t, c, 2)
	for i, reason := range []fault.Reason{fault.ReasonRejected, fault.ReasonNotJSON, fault.ReasonRejected} {
		if err := p.StoreDeadLetter(t.Context(), &event.DeadLetter{Message: *message(fmt.Sprint(i)), From: "b", Reason: reason, Sequence: uint64(i + 1)}); err != nil {
			t.Fatal(err)
		}
	}
	got := status(t, conn)
	want := stream.StreamStatus{Name: "CUSTOMERIO", Messages: 3, MaxBytes: 1 << 20, Replicas: 1}
	if diff := cmp.Diff(want, got.Stream, ignoreTime); diff != "" || got.Stream.Bytes == 0 || got.Stream.First.IsZero() {
		t.Errorf("stream (-want +got):\n%s", diff)
	}
	consumers := []stream.ConsumerStatus{{Name: "a"}, {Name: "b", Lag: 3, InFlight: 2}}
	if diff := cmp.Diff(consumers, got.Consumers, cmpopts.IgnoreFields(stream.ConsumerStatus{}, "LastAck")); diff != "" {
		t.Errorf("consumers (-want +got):\n%s", diff)
	}
	dead := []stream.DeadStatus{{From: "b", Reason: "not_json", Count: 1}, {From: "b", Reason: "rejected", Count: 2}}
	if diff := cmp.Diff(dead, got.Dead); diff != "" {
		t.Errorf("dead letters (-want +got):\n%s", diff)
	}
}

func TestEnsureReportsDifferences(t *testing.T) {
	t.Parallel()
	conn := streamtest.Start(t).Connect(stream.Settings{})
	other := stream.Settings{MaxBytes: 1 << 20, MaxAge: time.Hour, DedupWindow: time.Minute}
	same, err := conn.Ensure(t.Context(), stream.Settings{})
	if err != nil || len(same) != 0 {
		t.Errorf("Ensure again = %q, %v", same, err)
	}
	differences, err := conn.Ensure(t.Context(), other)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"STREAM_MAX_AGE is 720h0m0s, configured is 1h0m0s",
		"STREAM_MAX_BYTES is -1, configured is 1048576",
		"DEDUP_WINDOW is 2h0m0s, configured is 1m0s",
	}
	if diff := cmp.Diff(want, differences); diff != "" {
		t.Errorf("differences (-want +got):\n%s", diff)
	}
	if err := conn.Apply(t.Context(), other, false); !errors.Is(err, stream.ErrLess) || !strings.Contains(err.Error(), "STREAM_MAX_AGE") {
		t.Errorf("a shorter age is applied: %v", err)
	}
	if err := conn.Apply(t.Context(), other, true); err != nil {
		t.Fatal(err)
	}
	if differences, err := conn.Ensure(t.Context(), other); err != nil || len(differences) != 0 {
		t.Errorf("Ensure after Apply = %q, %v", differences, err)
	}
}
