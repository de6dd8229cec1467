package stream_test

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
)

// patience bounds each wait: a consumer is created 3 s after its deletion.
const patience = 20 * time.Second

const effects = "suppression"

// A kept is a worker with one durable consumer that keeps its floor.
type kept struct {
	t    *testing.T
	conn *stream.Conn
	d    *stream.Durable
	logs *logs
	stop func()

	mu      sync.Mutex
	handled []string
}

type logs struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func isEffects(name string) bool { return name == effects }

// keep runs a worker whose handler acknowledges every message, until stop is called or
// the test ends.
func keep(t *testing.T, srv *streamtest.Server) *kept {
	t.Helper()
	return keepEvery(t, srv, 20*time.Millisecond)
}

// keepEvery is keep with a pause between two checks.
func keepEvery(t *testing.T, srv *streamtest.Server, every time.Duration) *kept {
	t.Helper()
	k := &kept{t: t, logs: &logs{}}
	var err error
	k.conn, err = stream.Connect(stream.Config{URL: srv.URL(), Log: zerolog.New(k.logs)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.conn.Close)
	prepare := func(ctx context.Context) error {
		return k.conn.PrepareState(ctx, stream.Settings{}, []string{effects}, isEffects)
	}
	if err := k.conn.EnsureUntil(t.Context(), stream.Settings{}); err != nil {
		t.Fatal(err)
	}
	if err := prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	k.d = k.conn.NewDurable(stream.DurableConfig{
		Name: effects, Subjects: []string{stream.AllEvents}, KeepFloor: true, Prepare: prepare, CheckEvery: every,
	})
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { k.d.Run(ctx) })
	running.Go(func() { k.work(ctx) })
	k.stop = sync.OnceFunc(func() {
		cancel()
		running.Wait()
	})
	t.Cleanup(k.stop)
	return k
}

func (k *kept) work(ctx context.Context) {
	for ctx.Err() == nil {
		attempts, err := k.d.Fetch(ctx, event.Limits{Messages: 10, Wait: 200 * time.Millisecond})
		if err != nil {
			continue
		}
		for i := range attempts {
			k.mu.Lock()
			k.handled = append(k.handled, attempts[i].ID)
			k.mu.Unlock()
			_ = attempts[i].Settle.AckSync()
		}
	}
}

func (k *kept) ids() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.handled)
}

// wait waits for a condition.
func (k *kept) wait(what string, is func() bool) {
	k.t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for !is() {
		select {
		case <-tick.C:
		case <-deadline:
			k.t.Fatalf("%s: not so; handled %v, ready %v, log:\n%s", what, k.ids(), k.d.Ready(), k.logs)
		}
	}
}

// waitFor waits until exactly the ids were handled.
func (k *kept) waitFor(want ...string) {
	k.t.Helper()
	k.wait("handled "+strings.Join(want, ","), func() bool { return len(k.ids()) >= len(want) })
	if got := k.ids(); !slices.Equal(got, want) {
		k.t.Fatalf("handled %v, want %v", got, want)
	}
}

// waitSettled waits until the floor is stored.
func (k *kept) waitSettled(after uint64) {
	k.t.Helper()
	k.wait("floor stored", func() bool {
		f, err := k.conn.Floor(k.t.Context(), effects)
		return err == nil && f >= after
	})
}

func jetStream(t *testing.T, srv *streamtest.Server) jetstream.JetStream {
	t.Helper()
	js, err := jetstream.New(client(t, srv))
	if err != nil {
		t.Fatal(err)
	}
	return js
}

func deleteConsumer(t *testing.T, srv *streamtest.Server) {
	t.Helper()
	if err := jetStream(t, srv).DeleteConsumer(t.Context(), stream.Name, effects); err != nil {
		t.Fatal(err)
	}
}

func publishAll(t *testing.T, conn *stream.Conn, ids ...string) {
	t.Helper()
	p := publisher(t, conn)
	for _, id := range ids {
		publish(t, p, message(id))
	}
}

// The deleted consumer of a running worker goes on where it stood, also after a restart
// of the server.
func TestDeletedConsumerGoesOn(t *testing.T) {
	t.Parallel()
	srv := streamtest.Start(t)
	k := keep(t, srv)
	publishAll(t, k.conn, "a", "b", "c")
	k.waitFor("a", "b", "c")
	k.waitSettled(3)
	deleteConsumer(t, srv)
	publishAll(t, k.conn, "d")
	k.waitFor("a", "b", "c", "d")
	k.waitSettled(4)

	srv.Stop()
	srv.Restart()
	k.wait("connected", func() bool { return k.conn.Ready(t.Context()) == nil })
	publishAll(t, k.conn, "e")
	k.waitFor("a", "b", "c", "d", "e")
	if !strings.Contains(k.logs.String(), "restored where it stood") {
		t.Errorf("the log does not say so:\n%s", k.logs)
	}
}

// A consumer is deleted before its floor is stored: the worker remembers what it has
// settled.
func TestDeletedBeforeTheFloorIsStored(t *testing.T) {
	t.Parallel()
	srv := streamtest.Start(t)
	k := keepEvery(t, srv, time.Hour)
	publishAll(t, k.conn, "a", "b", "c")
	k.waitFor("a", "b", "c")
	deleteConsumer(t, srv)
	publishAll(t, k.conn, "d")
	k.waitFor("a", "b", "c", "d")
	if f, err := k.conn.Floor(t.Context(), effects); err != nil || f != 0 {
		t.Errorf("floor %d, %v: the test proves nothing", f, err)
	}
}

// The server may lose a consumer in a restart: a consumer of an earlier version that
// was created again within milliseconds.
func TestConsumerDeletedBetweenWorkers(t *testing.T) {
	t.Parallel()
	srv := streamtest.Start(t)
	k := keep(t, srv)
	publishAll(t, k.conn, "a", "b")
	k.waitFor("a", "b")
	k.stop() // stores the floor
	deleteConsumer(t, srv)
	srv.Stop()
	srv.Restart()
	k = keep(t, srv)
	k.wait("connected", func() bool { return k.conn.Ready(t.Context()) == nil })
	publishAll(t, k.conn, "c")
	k.waitFor("c")
}

// An old worker creates a deleted consumer again from the oldest event.
func TestConsumerStartedOverBySomebody(t *testing.T) {
	t.Parallel()
	srv := streamtest.Start(t)
	k := keep(t, srv)
	publishAll(t, k.conn, "a", "b", "c")
	k.waitFor("a", "b", "c")
	k.waitSettled(3)
	deleteConsumer(t, srv)
	open(t, k.conn, effects, stream.AllEvents)
	publishAll(t, k.conn, "d")
	k.waitFor("a", "b", "c", "d")
}

// The first worker that keeps floors begins where the consumer stands.
func TestFirstFloors(t *testing.T) {
	t.Parallel()
	srv := streamtest.Start(t)
	conn := srv.Connect(stream.Settings{})
	publishAll(t, conn, "a", "b")
	old := open(t, conn, effects, stream.AllEvents)
	ack(t, fetch(t, old, 1)...)
	k := keep(t, srv)
	k.waitFor("b")
	k.waitSettled(2)
}

// A missing floor of a bucket that is there may be a lost floor: the worker waits for
// an operator.
func TestStandsStill(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(*testing.T, jetstream.JetStream){
		"floor deleted": func(t *testing.T, js jetstream.JetStream) {
			t.Helper()
			kv, err := js.KeyValue(t.Context(), stream.StateName)
			if err == nil {
				err = kv.Delete(t.Context(), "floor."+effects)
			}
			wants(t, "delete the floor", err, nil)
		},
		"bucket purged": func(t *testing.T, js jetstream.JetStream) {
			t.Helper()
			st, err := js.Stream(t.Context(), "KV_"+stream.StateName)
			if err == nil {
				err = st.Purge(t.Context())
			}
			wants(t, "purge the bucket", err, nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := streamtest.Start(t)
			k := keep(t, srv)
			publishAll(t, k.conn, "a", "b")
			k.waitFor("a", "b")
			k.stop()
			deleteConsumer(t, srv)
			lose(t, jetStream(t, srv))
			k = keep(t, srv)
			k.wait("stands still", func() bool {
				err := k.d.Ready()
				return err != nil && strings.Contains(err.Error(), "cioctl consumer start suppression --from")
			})
			publishAll(t, k.conn, "c")
			if got := status(t, k.conn).Problems; len(got) != 1 || !strings.Contains(got[0], "consumer suppression stands still: ") || !strings.Contains(got[0], "cioctl consumer start") {
				t.Errorf("problems: %q", got)
			}
			wants(t, "start the consumer", k.conn.StartConsumer(t.Context(), effects, 1), nil)
			k.waitFor("b", "c")
		})
	}
}

// A consumer that was never there begins with the first event, without an operator.
func TestNewConsumerBegins(t *testing.T) {
	t.Parallel()
	srv := streamtest.Start(t)
	conn := srv.Connect(stream.Settings{})
	wants(t, "prepare", conn.PrepareState(t.Context(), stream.Settings{}, []string{"suppression-acme"}, isEffects), nil)
	publishAll(t, conn, "a")
	keep(t, srv).waitFor("a")
}

// A stream that was created again is another stream: its first event is new.
func TestRecreatedStream(t *testing.T) {
	t.Parallel()
	srv := streamtest.Start(t)
	k := keep(t, srv)
	publishAll(t, k.conn, "a", "b")
	k.waitFor("a", "b")
	k.waitSettled(2)
	if err := jetStream(t, srv).DeleteStream(t.Context(), stream.Name); err != nil {
		t.Fatal(err)
	}
	if err := k.conn.EnsureUntil(t.Context(), stream.Settings{}); err != nil {
		t.Fatal(err)
	}
	publishAll(t, k.conn, "c")
	k.waitFor("a", "b", "c")
}

// Somebody deletes the consumer and the bucket of a running worker.
func TestDeletedBucket(t *testing.T) {
	t.Parallel()
	srv := streamtest.Start(t)
	k := keep(t, srv)
	publishAll(t, k.conn, "a", "b")
	k.waitFor("a", "b")
	k.waitSettled(2)
	if err := jetStream(t, srv).DeleteKeyValue(t.Context(), stream.StateName); err != nil {
		t.Fatal(err)
	}
	deleteConsumer(t, srv)
	publishAll(t, k.conn, "c")
	k.waitFor("a", "b", "c")
}

// An operator has a running worker handle events again.
func TestStartConsumer(t *testing.T) {
	t.Parallel()
	srv := streamtest.Start(t)
	k, other := keep(t, srv), srv.Connect(stream.Settings{})
	publishAll(t, k.conn, "a", "b", "c")
	k.waitFor("a", "b", "c")
	k.waitSettled(3)
	wants(t, "start", other.StartConsumer(t.Context(), effects, 1), nil)
	k.waitFor("a", "b", "c", "b", "c")
	k.waitSettled(3)
	wants(t, "start with new events", other.StartConsumer(t.Context(), effects, 1<<40), nil)
	k.wait("restored", func() bool { return k.d.Ready() != nil })
	publishAll(t, k.conn, "d")
	k.waitFor("a", "b", "c", "b", "c", "d")
}
