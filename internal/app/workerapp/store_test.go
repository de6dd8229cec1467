package workerapp_test

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/app/workerapp"
	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/operate"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
	"github.com/cioevents/cioevents/internal/warehouse/duckdb"
	"github.com/cioevents/cioevents/internal/warehouse/place"
)

// A yard is a stream for workers with several warehouses.
type yard struct {
	t    *testing.T
	nats *streamtest.Server
	conn *stream.Conn
	sent int
	env  map[string]string // further settings of new workers
}

func newYard(t *testing.T) *yard {
	t.Helper()
	nats := streamtest.Start(t)
	return &yard{t: t, nats: nats, conn: nats.Connect(stream.Settings{})}
}

// A filler is a worker with a DuckDB file of its own.
type filler struct {
	t    *testing.T
	path string
	app  *workerapp.App
	log  syncBuffer
	stop func()
}

// worker starts a worker that fills the file, and runs the other consumers as a dry run.
func (y *yard) worker(path, consumers string) *filler {
	y.t.Helper()
	return y.start(&filler{t: y.t, path: path}, "duckdb:"+path, consumers)
}

// start starts a worker with the value of WAREHOUSE_URL.
func (y *yard) start(f *filler, url, consumers string) *filler {
	y.t.Helper()
	env := map[string]string{
		"NATS_URL": y.nats.URL(), "ADMIN_ADDR": "127.0.0.1:0", "WORKER_CONSUMERS": consumers,
		"WAREHOUSE_URL": url, "EFFECTS_DRY_RUN": "true",
	}
	maps.Copy(env, y.env)
	var cfg workerapp.Config
	set := config.New("worker", func(name string) string { return env[name] })
	cfg.Declare(set)
	if err := set.Parse(nil); err != nil {
		y.t.Fatal(err)
	}
	var err error
	if f.app, err = workerapp.New(cfg, zerolog.New(&f.log)); err != nil {
		y.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f.app.Run(ctx) }()
	stopped := false
	f.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			y.t.Errorf("the worker ended with: %v", err)
		}
	}
	y.t.Cleanup(f.stop)
	return f
}

func (y *yard) file(name string) string {
	y.t.Helper()
	return filepath.Join(y.t.TempDir(), name)
}

// publish publishes n new events.
func (y *yard) publish(n int) {
	y.t.Helper()
	p, err := stream.NewPublisher(y.conn, 0)
	if err != nil {
		y.t.Fatal(err)
	}
	defer p.Close()
	for range n {
		y.sent++
		id := fmt.Sprint("e", y.sent)
		m := &event.Message{
			Workspace: "default", ID: id, ObjectType: "email", Metric: "bounced", ReceivedAt: time.Now(),
			Body: []byte(`{"event_id":"` + id + `","object_type":"email","metric":"bounced","timestamp":1755600006}`),
		}
		if _, err := p.Publish(y.t.Context(), m); err != nil {
			y.t.Fatal(err)
		}
	}
}

func (y *yard) until(what string, holds func() bool) {
	y.t.Helper()
	waitFor(y.t, what, holds)
}

// handled reports whether the consumer has settled all events.
func (y *yard) handled(consumer string) bool {
	status, err := y.conn.Status(y.t.Context())
	if err != nil {
		return false
	}
	for _, c := range status.Consumers {
		if c.Name == consumer {
			link, err := y.conn.StoreLink(y.t.Context(), consumer)
			return err == nil && c.Lag == 0 && link.Settled >= uint64(y.sent)
		}
	}
	return false
}

func (y *yard) link(consumer string) stream.StoreLink {
	y.t.Helper()
	link, err := y.conn.StoreLink(y.t.Context(), consumer)
	if err != nil {
		y.t.Fatal(err)
	}
	return link
}

// rows counts the rows of the file.
func (f *filler) rows() int64 {
	f.t.Helper()
	table, err := duckdb.Query(f.t.Context(), f.path, "SELECT count(*) FROM customerio_events")
	if err != nil {
		f.t.Fatal(err)
	}
	return table.Rows[0][0].(int64)
}

// ready returns the status and the body of /readyz.
func (f *filler) ready() (code int, body string) {
	r, err := (&http.Client{Timeout: 10 * time.Second}).Get("http://" + f.app.AdminAddr().String() + "/readyz")
	if err != nil {
		return 0, err.Error()
	}
	defer r.Body.Close()
	text, _ := io.ReadAll(r.Body)
	return r.StatusCode, string(text)
}

func (f *filler) refuses() bool {
	code, body := f.ready()
	return code == http.StatusServiceUnavailable && strings.Contains(body, "fills another store")
}

// refused returns the instrument of a refused warehouse.
func (f *filler) refused() (value float64) {
	f.t.Helper()
	families, err := f.app.Metrics().Gather()
	if err != nil {
		f.t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() == "cioevents_warehouse_refused" {
			value = family.GetMetric()[0].GetGauge().GetValue()
		}
	}
	return value
}

// Two workers on one consumer with different files: all events are in one file. The
// other worker says what to do, and runs its other consumers.
func TestOneConsumerFillsOneStore(t *testing.T) {
	t.Parallel()
	y := newYard(t)
	first := y.worker(y.file("e.duckdb"), "warehouse")
	y.until("the first worker is linked", func() bool { return y.link("warehouse").Store.ID != "" })
	second := y.worker(y.file("e.duckdb"), "warehouse,suppression")
	y.until("the second worker refuses", second.refuses)
	y.publish(160)
	y.until("all events are handled", func() bool { return y.handled("warehouse") && y.handled("suppression") })
	if a, b := first.rows(), second.rows(); a != 160 || b != 0 {
		t.Errorf("160 events: %d rows in one file, %d in the other", a, b)
	}
	if code, body := first.ready(); code != http.StatusOK {
		t.Errorf("the worker that fills the store is not ready: %s", body)
	}
	if a, b := first.refused(), second.refused(); a != 0 || b != 1 {
		t.Errorf("the instrument is %v for the worker that fills the store and %v for the other", a, b)
	}
	_, body := second.ready()
	for _, want := range []string{first.path, second.path, "cioctl warehouse adopt --consumer warehouse", "WAREHOUSE_URL"} {
		if !strings.Contains(body, want) || !strings.Contains(second.log.String(), want) {
			t.Errorf("readiness or log lacks %q:\n%s\n%s", want, body, &second.log)
		}
	}
	if n := strings.Count(second.log.String(), `"level":"error"`); n != 1 {
		t.Errorf("the refusal is logged %d times:\n%s", n, &second.log)
	}
}

// Two workers that start at the same moment on a new stream agree.
func TestTwoWorkersAtOnce(t *testing.T) {
	t.Parallel()
	y := newYard(t)
	y.publish(160)
	workers := []*filler{y.worker(y.file("e.duckdb"), "warehouse"), y.worker(y.file("e.duckdb"), "warehouse")}
	y.until("one of the workers refuses", func() bool { return workers[0].refuses() || workers[1].refuses() })
	y.until("all events are handled", func() bool { return y.handled("warehouse") })
	if a, b := workers[0].rows(), workers[1].rows(); a+b != 160 || a*b != 0 {
		t.Errorf("160 events: %d rows in one file, %d in the other", a, b)
	}
}

// A changed URL fills nothing until an operator adopts it. A replay to the consumer
// waits as the live events do, and then fills the gap.
func TestChangedURL(t *testing.T) {
	t.Parallel()
	y := newYard(t)
	first := y.worker(y.file("old.duckdb"), "warehouse")
	y.publish(100)
	y.until("the first events are handled", func() bool { return y.handled("warehouse") })
	first.stop()

	second := y.worker(y.file("new.duckdb"), "warehouse")
	y.until("the new store is refused", second.refuses)
	y.publish(60)
	replay, err := y.conn.StartReplay(t.Context(), stream.ReplayRequest{Target: "warehouse"})
	if err != nil {
		t.Fatal(err)
	}
	y.until("the worker joins the replay", func() bool { return strings.Contains(second.log.String(), "replay joined") })
	<-time.After(time.Second) // ten times the pause between two fetches
	if n := second.rows(); n != 0 {
		t.Fatalf("a worker with another store has written %d rows", n)
	}
	if _, now, err := y.conn.Remaining(t.Context(), replay.ID); err != nil || now.Begun {
		t.Errorf("a worker with another store handles a replay: %+v, %v", now, err)
	}

	places, err := place.ParseList([]string{"duckdb:" + second.path})
	if err != nil {
		t.Fatal(err)
	}
	plan, err := operate.PlanAdoption(t.Context(), y.conn, places[0])
	if err != nil {
		t.Fatal(err)
	}
	if !plan.Changes() || !plan.Empty || plan.Settled != 100 || !strings.Contains(plan.From.Place, first.path) || !strings.Contains(plan.To.Place, second.path) {
		t.Errorf("the plan is %+v", plan)
	}
	if err := operate.Adopt(t.Context(), y.conn, places[0], plan); err != nil {
		t.Fatal(err)
	}
	if got := y.link("warehouse").Store.Lacks; got != 100 {
		t.Errorf("after the adoption the store lacks the events up to %d, want 100", got)
	}
	y.until("the new events are handled", func() bool { return y.handled("warehouse") })
	y.until("the replay has filled the gap", func() bool { return second.rows() == 160 && y.link("warehouse").Store.Lacks == 0 })
	if !strings.Contains(second.log.String(), "cioctl replay start --to warehouse") {
		t.Errorf("the log does not mention a replay:\n%s", &second.log)
	}
	if code, body := second.ready(); code != http.StatusOK {
		t.Errorf("after the adoption the worker is not ready: %s", body)
	}
}

// A consumer without a store, as an older version leaves it, goes to exactly one of two
// new workers. Its history is missing in the new, empty store.
func TestConsumerOfAnOlderVersion(t *testing.T) {
	t.Parallel()
	y := newYard(t)
	y.publish(10)
	old, err := y.conn.OpenConsumer(t.Context(), "warehouse", []string{stream.AllEvents})
	if err != nil {
		t.Fatal(err)
	}
	attempts, err := old.Fetch(t.Context(), event.Limits{Messages: 10, Linger: time.Second})
	if err != nil || len(attempts) != 10 {
		t.Fatalf("fetched %d events, %v", len(attempts), err)
	}
	for i := range attempts {
		if err := attempts[i].Settle.Ack(); err != nil {
			t.Fatal(err)
		}
	}
	workers := []*filler{y.worker(y.file("e.duckdb"), "warehouse"), y.worker(y.file("e.duckdb"), "warehouse")}
	y.publish(150)
	y.until("one of the workers refuses", func() bool { return workers[0].refuses() || workers[1].refuses() })
	y.until("all events are handled", func() bool { return y.handled("warehouse") })
	if a, b := workers[0].rows(), workers[1].rows(); a+b != 150 || a*b != 0 {
		t.Errorf("150 events: %d rows in one file, %d in the other", a, b)
	}
	if got := y.link("warehouse").Store.Lacks; got != 10 {
		t.Errorf("the store lacks the events up to %d, want 10", got)
	}
	if log := workers[0].log.String() + workers[1].log.String(); !strings.Contains(log, "cioctl replay start --to warehouse") {
		t.Errorf("the log does not mention a replay:\n%s", log)
	}
}

// A worker of an older version replaces the metadata when it starts. The worker that
// fills the store keeps the consumer, although another worker waits for it.
func TestRemovedLink(t *testing.T) {
	t.Parallel()
	y := newYard(t)
	first := y.worker(y.file("e.duckdb"), "warehouse")
	y.until("the first worker is linked", func() bool { return y.link("warehouse").Store.ID != "" })
	second := y.worker(y.file("e.duckdb"), "warehouse")
	y.until("the second worker refuses", second.refuses)
	want := y.link("warehouse").Store.ID
	for range 3 {
		if err := y.conn.SetStore(t.Context(), "warehouse", stream.Store{}); err != nil {
			t.Fatal(err)
		}
		y.until("the link is back", func() bool { return y.link("warehouse").Store.ID != "" })
		if got := y.link("warehouse").Store.ID; got != want {
			t.Fatalf("the store %s has the consumer, want %s", got, want)
		}
	}
	y.publish(20)
	y.until("all events are handled", func() bool { return y.handled("warehouse") })
	if a, b := first.rows(), second.rows(); a != 20 || b != 0 {
		t.Errorf("20 events: %d rows in one file, %d in the other", a, b)
	}
}
