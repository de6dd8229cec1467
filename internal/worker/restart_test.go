package worker_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/fault"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/duckdb"
	"github.com/cioevents/cioevents/internal/worker"
)

// A pipe is a stream with a consumer whose worker is restarted.
type pipe struct {
	t       *testing.T
	conn    *stream.Conn
	publish *stream.Publisher
}

func newPipe(t *testing.T, events int) *pipe {
	t.Helper()
	p := &pipe{t: t, conn: streamtest.Start(t).Connect(stream.Settings{})}
	if _, err := p.conn.CreateState(t.Context(), stream.Settings{}); err != nil {
		t.Fatal(err)
	}
	var err error
	if p.publish, err = stream.NewPublisher(p.conn, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.publish.Close)
	p.send(0, events)
	return p
}

func (p *pipe) send(from, n int) {
	p.t.Helper()
	for i := from; i < from+n; i++ {
		id := fmt.Sprint("event-", i)
		m := event.Message{
			Workspace: "default", ID: id, ObjectType: "email", Metric: "sent", ReceivedAt: time.Now(),
			Body: fmt.Appendf(nil, `{"event_id":%q,"object_type":"email","metric":"sent","timestamp":1755600006}`, id),
		}
		if _, err := p.publish.Publish(p.t.Context(), &m); err != nil {
			p.t.Fatal(err)
		}
	}
}

// A life is a worker process from its start to its end. A dead life sends nothing: a
// killed process neither settles its messages nor deletes its markers.
type life struct {
	worker.State
	source *stream.Consumer
	dead   atomic.Bool
}

func (l *life) Fetch(ctx context.Context, limits event.Limits) ([]event.Attempt, error) {
	limits.Wait = 100 * time.Millisecond
	batch, err := l.source.Fetch(ctx, limits)
	for i := range batch {
		batch[i].Settle = mortal{batch[i].Settle, l}
	}
	return batch, err
}

func (l *life) Delete(ctx context.Context, key string) error {
	if l.dead.Load() {
		return errKilled
	}
	return l.State.Delete(ctx, key)
}

var errKilled = errors.New("the process was killed")

type mortal struct {
	event.Settler
	life *life
}

func (m mortal) Retry(wait time.Duration) error {
	if m.life.dead.Load() {
		return errKilled
	}
	return m.Settler.Retry(wait)
}

func (m mortal) Extend() error { return nil }

// live runs a worker until until reports true or the handler kills the process.
func (p *pipe) live(until func() bool, handler func(kill func([]event.Attempt)) worker.Handler) {
	p.t.Helper()
	source, err := p.conn.OpenConsumer(p.t.Context(), "warehouse", []string{stream.AllEvents})
	if err != nil {
		p.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(p.t.Context())
	defer cancel()
	l := &life{State: p.conn.State(), source: source}
	kill := func(batch []event.Attempt) {
		l.dead.Store(true)
		for _, a := range batch {
			_ = a.Settle.(mortal).Settler.Retry(0) // instead of AckWait
		}
		cancel()
	}
	c, err := worker.New(worker.Config{
		Name: "warehouse", Source: l, Handler: handler(kill), DeadLetters: p.publish, State: l,
		Limits: event.Limits{Messages: 100}, SetAside: 50 * time.Millisecond, Log: zerolog.Nop(),
	})
	if err != nil {
		p.t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() { c.Run(ctx) })
	deadline := time.After(30 * time.Second)
	for ctx.Err() == nil && !until() {
		select {
		case <-deadline:
			p.t.Fatal("waited in vain")
		case <-ctx.Done():
		case <-time.After(5 * time.Millisecond):
		}
	}
	cancel()
	running.Wait()
}

// state returns the number of events that the consumer has not settled, and the reasons
// of the dead letters.
func (p *pipe) state() (lag uint64, dead []string) {
	p.t.Helper()
	status, err := p.conn.Status(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	for _, c := range status.Consumers {
		lag += c.Lag
	}
	for _, d := range status.Dead {
		dead = append(dead, fmt.Sprint(d.Count, " ", d.Reason))
	}
	return lag, dead
}

// A readOnly is a warehouse that refuses writes while set.
type readOnly struct {
	warehouse.Sink
	set    atomic.Bool
	writes atomic.Int64
}

func (w *readOnly) Write(ctx context.Context, rows []warehouse.Row) (warehouse.Result, error) {
	w.writes.Add(1)
	if w.set.Load() {
		return warehouse.Result{}, fault.Outage(time.Millisecond, errAway)
	}
	return w.Sink.Write(ctx, rows)
}

// The worker is restarted more often than MaxAttempts while the warehouse refuses
// writes. No event becomes a dead letter, and every row is written afterwards.
func TestRestartsInAnOutage(t *testing.T) {
	t.Parallel()
	p := newPipe(t, 3)
	path := filepath.Join(t.TempDir(), "e.duckdb")
	sink, err := duckdb.New(duckdb.Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sink.Close() })
	w := &readOnly{Sink: sink}
	handler := func(func([]event.Attempt)) worker.Handler {
		return worker.NewRows("warehouse", w, worker.NewMetrics(prometheus.NewRegistry()))
	}
	w.set.Store(true)
	for range 34 * 3 { // each start fetches one of the three events
		before, start := w.writes.Load(), time.Now()
		p.live(func() bool { return w.writes.Load() > before || time.Since(start) > 150*time.Millisecond }, handler)
	}
	if lag, dead := p.state(); lag != 3 || len(dead) > 0 {
		t.Errorf("lag %d and dead letters %q in the outage, want 3 and none", lag, dead)
	}
	w.set.Store(false)
	p.live(func() bool { lag, _ := p.state(); return lag == 0 }, handler)
	if _, dead := p.state(); len(dead) > 0 {
		t.Errorf("dead letters %q", dead)
	}
	if err := sink.Close(); err != nil {
		t.Fatal(err)
	}
	rows, err := duckdb.Query(t.Context(), path, "SELECT count(*) FROM messaging.customerio_events")
	if err != nil || fmt.Sprint(rows.Rows) != "[[3]]" {
		t.Errorf("rows %v, %v, want 3", rows, err)
	}
}

// A message that ends the process at each attempt becomes a dead letter, while other
// messages go on.
func TestMessageKillsTheProcess(t *testing.T) {
	t.Parallel()
	p := newPipe(t, 3)
	var mu sync.Mutex
	done, kills := map[string]int{}, 0
	handler := func(kill func([]event.Attempt)) worker.Handler {
		return handlerFunc(func(ctx context.Context, batch []event.Attempt, _ func(int, error)) error {
			mu.Lock()
			defer mu.Unlock()
			for _, a := range batch {
				if a.ID == "event-1" {
					kills++
					kill(batch)
					return errKilled
				}
			}
			for _, a := range batch {
				done[a.ID]++
			}
			return nil
		})
	}
	for start := 0; ; start++ {
		p.send(3+start, 1)
		p.live(func() bool { lag, _ := p.state(); return lag == 0 }, handler)
		lag, dead := p.state()
		if lag == 0 {
			if diff := cmp.Diff([]string{"1 exhausted"}, dead); diff != "" {
				t.Errorf("dead letters (-want +got):\n%s", diff)
			}
			break
		}
		if start > 60 {
			t.Fatalf("the message still kills the process, dead letters %q", dead)
		}
	}
	if kills < 30 || kills > 40 {
		t.Errorf("%d starts were killed, want MaxAttempts and a few", kills)
	}
	if len(done) != kills+3 || done["event-1"] > 0 { // a new event at each start, and the first events
		t.Errorf("%d events done after %d killed starts: %v", len(done), kills, done)
	}
}
