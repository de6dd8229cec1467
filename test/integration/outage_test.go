package integration_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/customerio/customeriotest"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery/bigqueryfake"
	"github.com/cioevents/cioevents/internal/warehouse/duckdb"
	"github.com/cioevents/cioevents/test/lab"
)

// These are short forms of what `go run ./test/bench outages` proves in real
// time.

// publish stores messages of a history, several at a time.
func (p *pipeline) publish(h *lab.History, from, to int) {
	p.t.Helper()
	publisher, err := stream.NewPublisher(p.conn, 0)
	if err != nil {
		p.t.Fatal(err)
	}
	defer publisher.Close()
	const workers = 64
	var publishing sync.WaitGroup
	for w := range workers {
		publishing.Go(func() {
			for i := from + w; i < to; i += workers {
				m := h.Message(i)
				if _, err := publisher.Publish(p.t.Context(), &m); err != nil {
					p.t.Errorf("message %d: %v", i, err)
				}
			}
		})
	}
	publishing.Wait()
}

// people replaces the Track API by one that knows the people of a history, and
// nobody else.
func (p *pipeline) people(h *lab.History, cfg customeriotest.Config) *httptest.Server {
	p.fake = customeriotest.New(cfg)
	p.fake.Seed(h.People()...)
	api := httptest.NewServer(p.fake)
	p.t.Cleanup(api.Close)
	p.env["CUSTOMERIO_TRACK_URL"] = api.URL
	return api
}

func (p *pipeline) noDeadLetters() {
	p.t.Helper()
	if dead := p.deadLetters(); len(dead) > 0 {
		p.t.Errorf("%d dead letters", len(dead))
	}
}

// lag is that of all consumers together.
func (p *pipeline) lag() (lag uint64) {
	p.t.Helper()
	s, err := p.conn.Status(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	for _, c := range s.Consumers {
		lag += c.Lag
	}
	return lag
}

// While BigQuery is away events are accepted and kept. When it is back they become
// rows without anybody's help, each one once for a reader.
func TestBigQueryIsAway(t *testing.T) {
	t.Parallel()
	p := start(t)
	fake, err := bigqueryfake.Start(bigqueryfake.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	query := url.Values{"grpc": {fake.GRPCEndpoint()}, "rest": {fake.RESTEndpoint()}}
	p.env["WAREHOUSE_URL"], p.env["WORKER_CONSUMERS"] = "bigquery://p/messaging?"+query.Encode(), "warehouse"
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
	for _, away := range []func(){fake.Stop, fake.Hang} {
		away()
		send(100)
		p.eventually("the lag grows", 10*time.Second, func() bool { return p.lag() >= 100 })
		send(50)
	}
	fake.Restart()
	p.drained(1, 30*time.Second)
	unique := map[any]bool{}
	for _, row := range fake.Rows("p", "messaging", bigquery.Raw) {
		unique[row["event_id"]] = true
	}
	if len(unique) != sent {
		t.Errorf("%d unique rows of %d events", len(unique), sent)
	}
	p.noDeadLetters()
}

// However the Track API fails, nothing is lost or given up, and hardly a call is
// made that could only fail.
func TestTrackAPIIsAway(t *testing.T) {
	t.Parallel()
	h := lab.NewHistory(lab.HistoryConfig{Seed: 1, People: 300, Opens: 2000, Others: 400, End: time.Now(), Workspace: "default"})
	p := start(t)
	api := p.people(h, customeriotest.Config{})
	addr := api.Listener.Addr().String()
	p.env["WORKER_CONSUMERS"], p.env["MAX_ATTEMPTS"] = "suppression,engagement", "3"
	p.startWorker()
	part := h.Len() / 4
	p.publish(h, 0, part)
	p.drained(2, 30*time.Second)

	api.CloseClientConnections()
	api.Close() // connections are refused
	p.publish(h, part, 2*part)
	p.eventually("the lag grows", 10*time.Second, func() bool { return p.lag() > 100 })

	before := p.fake.Counts().Requests
	p.fake.SetFault(func(*http.Request) *customeriotest.Fault {
		return &customeriotest.Fault{Status: http.StatusServiceUnavailable}
	})
	api = p.listen(addr)
	p.publish(h, 2*part, 3*part)
	p.eventually("the API is asked", 20*time.Second, func() bool { return p.fake.Counts().Requests > before })
	p.fake.SetFault(func(*http.Request) *customeriotest.Fault { return &customeriotest.Fault{Hang: true} })
	p.publish(h, 3*part, h.Len())
	p.eventually("a call hangs", 20*time.Second, func() bool { return p.fake.Counts().Requests > before+1 })
	during := p.fake.Counts().Requests - before
	p.fake.SetFault(nil)
	api.CloseClientConnections()

	p.drained(2, time.Minute)
	if during > 15 {
		t.Errorf("%d requests came while they could only fail", during)
	}
	if err := h.Check(p.fake); err != nil {
		t.Error(err)
	}
	p.noDeadLetters()
}

// listen serves the fake at an address that was in use before.
func (p *pipeline) listen(addr string) *httptest.Server {
	p.t.Helper()
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		p.t.Fatal(err)
	}
	api := httptest.NewUnstartedServer(p.fake)
	_ = api.Listener.Close()
	api.Listener = ln
	api.Start()
	p.t.Cleanup(api.Close)
	return api
}

// A newsletter's opens cost one update a person, on their way through the stream.
func TestNewsletterThroughTheStream(t *testing.T) {
	t.Parallel()
	const opens, people = 25_000, 2_500
	h := lab.NewHistory(lab.HistoryConfig{Seed: 1, People: people, Opens: opens, End: time.Now(), Workspace: "default"})
	p := start(t)
	p.people(h, customeriotest.Config{CallLog: 1})
	p.env["WORKER_CONSUMERS"] = "engagement"
	p.publish(h, 0, h.Len())
	p.startWorker()
	p.drained(1, 30*time.Second)
	// Each person is named in two ways.
	if c := p.fake.Counts(); c.Identify > 2*people || c.Requests > 20 {
		t.Errorf("%d opens of %d people cost %d updates and %d requests", h.Len(), people, c.Identify, c.Requests)
	}
	if err := h.Check(p.fake); err != nil {
		t.Error(err)
	}
}

// At one event a second a row can be read within two.
func TestRowIsSoonVisible(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.env["WORKER_CONSUMERS"] = "warehouse"
	p.startWorker()
	p.accept(numbered(0)) // makes the tables
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
	// Other tests take their time; the median is the product's.
	if median := waits[len(waits)/2]; median > 2*time.Second {
		t.Errorf("rows are visible after %v", waits)
	}
}
