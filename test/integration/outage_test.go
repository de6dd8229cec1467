package integration_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/cioevents/cioevents/internal/customerio/customeriotest"
	"github.com/cioevents/cioevents/internal/stream/natsserver"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery/bigqueryfake"
	"github.com/cioevents/cioevents/internal/warehouse/duckdb"
	"github.com/cioevents/cioevents/test/lab"
)

// These tests are short forms of `go run ./test/bench outages`.

// publish publishes the arrivals of a history between from and to.
func (p *pipeline) publish(h *lab.History, from, to int) {
	p.t.Helper()
	if err := p.client.Publish(p.t.Context(), to-from, 0, func(i int) *nats.Msg { return h.NewMessage(from + i) }); err != nil {
		p.t.Error(err)
	}
}

func (p *pipeline) noDeadLetters() {
	p.t.Helper()
	if err := p.client.NoDeadLetters(p.t.Context()); err != nil {
		p.t.Error(err)
	}
}

// lag returns the lag of all consumers together.
func (p *pipeline) lag() uint64 {
	p.t.Helper()
	b, err := p.client.Backlog(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	return b.Lag
}

// During an outage of BigQuery ingest accepts events and the stream keeps the events.
// After the outage the events become rows without an operator, and a reader sees each
// event once.
func TestBigQueryOutage(t *testing.T) {
	t.Parallel()
	p := start(t)
	bigquery, err := lab.StartBigQuery(bigqueryfake.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(bigquery.Close)
	p.env = p.env.With(lab.WarehouseEnv(bigquery.URL()), lab.Consumers("warehouse"))
	p.startWorker()
	sent := 0
	send := func(n int) {
		for range n {
			p.accept(numbered(sent))
			sent++
		}
	}
	send(50)
	p.drained(1, 30*time.Second)
	for _, away := range []func(){bigquery.Stop, bigquery.Hang} {
		away()
		send(100)
		p.eventually("the lag grows", 10*time.Second, func() bool { return p.lag() >= 100 })
		send(50)
	}
	bigquery.Restart()
	p.drained(1, 30*time.Second)
	if n := bigquery.Events(); n != sent {
		t.Errorf("there are %d unique rows, want %d", n, sent)
	}
	p.noDeadLetters()
}

// Whichever way the Track API fails, no event is lost or dead-lettered, and the worker
// makes few calls in vain.
func TestTrackAPIOutage(t *testing.T) {
	t.Parallel()
	h := lab.NewHistory(lab.HistoryConfig{Seed: 1, People: 300, Opens: 2000, Others: 400, End: time.Now()})
	p := start(t)
	p.startTrackAPI(customeriotest.Config{}, h.People()...)
	admin := lab.FreeAddr()
	p.env = p.env.With(lab.Consumers("suppression", "engagement"), lab.Env{"MAX_ATTEMPTS": "3", "ADMIN_ADDR": admin})
	p.startWorker()
	part := h.Len() / 4
	p.publish(h, 0, part)
	p.drained(2, 30*time.Second)

	p.api.Refuse()
	p.publish(h, part, 2*part)
	p.eventually("the lag grows", 10*time.Second, func() bool { return p.lag() > 100 })
	p.eventually("the worker notices the outage", 10*time.Second, func() bool {
		m, err := lab.Scrape(t.Context(), admin)
		return err == nil && m["cioevents_track_down"] > 0
	})

	before := p.api.Counts().Requests
	p.api.Fail(&customeriotest.Fault{Status: http.StatusServiceUnavailable})
	p.listen()
	p.publish(h, 2*part, 3*part)
	p.eventually("the API gets a request", 20*time.Second, func() bool { return p.api.Counts().Requests > before })
	p.api.Fail(&customeriotest.Fault{Hang: true})
	p.publish(h, 3*part, h.Len())
	p.eventually("a call hangs", 20*time.Second, func() bool { return p.api.Counts().Requests > before+1 })
	during := p.api.Counts().Requests - before
	p.api.Fail(nil)
	p.api.Refuse() // The hanging call ends at once.
	p.listen()

	p.drained(2, time.Minute)
	if during > 15 {
		t.Errorf("the API got %d requests during the outage, want at most 15", during)
	}
	if err := h.Check(p.api.Fake); err != nil {
		t.Error(err)
	}
	p.noDeadLetters()
}

// listen lets the Track API accept connections again.
func (p *pipeline) listen() {
	p.t.Helper()
	if err := p.api.Listen(); err != nil {
		p.t.Fatal(err)
	}
}

// The opens of a newsletter cost one update a person and form of identifiers.
func TestNewsletterThroughTheStream(t *testing.T) {
	t.Parallel()
	const opens, people = 25_000, 2_500
	h := lab.NewHistory(lab.HistoryConfig{Seed: 1, People: people, Opens: opens, End: time.Now()})
	p := start(t)
	p.startTrackAPI(customeriotest.Config{CallLog: 1}, h.People()...)
	p.env["WORKER_CONSUMERS"] = "engagement"
	p.publish(h, 0, h.Len())
	p.startWorker()
	p.drained(1, 30*time.Second)
	// The events name each person in two ways.
	if c := p.api.Counts(); c.Identify > 2*people || c.Requests > 20 {
		t.Errorf("%d opens of %d people cost %d updates and %d requests, want at most %d and 20", h.Len(), people, c.Identify, c.Requests, 2*people)
	}
	if err := h.Check(p.api.Fake); err != nil {
		t.Error(err)
	}
}

// At one event a second, a row is visible within two seconds.
func TestRowIsSoonVisible(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.env["WORKER_CONSUMERS"] = "warehouse"
	p.startWorker()
	p.accept(numbered(0)) // The first event creates the tables.
	p.drained(1, 30*time.Second)
	var waits []time.Duration
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for n := 1; n <= 4; n++ {
		<-tick.C
		begin := time.Now()
		p.accept(numbered(n))
		p.eventually("the row is visible", 20*time.Second, func() bool {
			table, err := duckdb.Query(t.Context(), p.path, "SELECT count(*) FROM customerio_events")
			return err == nil && table.Rows[0][0] == int64(n+1)
		})
		waits = append(waits, time.Since(begin))
	}
	slices.Sort(waits)
	// Parallel tests delay some rows; the median is typical of the product.
	if median := waits[len(waits)/2]; median > 2*time.Second {
		t.Errorf("rows are visible after %v, want a median of at most 2s", waits)
	}
}

// NATS refuses ingest's password for some seconds, as in a rotation in the wrong order.
// Then the feed is back by itself.
func TestPasswordRefusedForAWhile(t *testing.T) {
	t.Parallel()
	password := func(word string) streamtest.Option {
		return func(o *natsserver.Options) { o.Username, o.Password = "everybody", word }
	}
	p := start(t, password("right"))
	p.accept(numbered(0))
	p.nats.Reload(password("wrong"))
	if status, answer, _ := p.post(numbered(1)); status != http.StatusServiceUnavailable {
		t.Errorf("answer is %d %s, want 503", status, answer)
	}
	<-time.After(3 * time.Second)
	p.nats.Reload(password("right"))
	begin := time.Now()
	p.eventually("a call is accepted", 10*time.Second, func() bool {
		status, _, _ := p.post(numbered(1))
		return status == http.StatusOK
	})
	t.Logf("accepted %v after the right password", time.Since(begin))
}
