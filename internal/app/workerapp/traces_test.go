package workerapp_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"
	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/cioevents/cioevents/internal/app/ingestapp"
	"github.com/cioevents/cioevents/internal/app/workerapp"
	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/customerio/customeriotest"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
	"github.com/cioevents/cioevents/internal/warehouse/duckdb"
	"github.com/cioevents/cioevents/pkg/webhook"
)

const bounced = `{"event_id":"b-1","object_type":"email","metric":"bounced","timestamp":1755600006,` +
	`"data":{"customer_id":"person-7","identifiers":{"cio_id":"cio-7","id":"person-7","email":"joe@example.com"},"recipient":"joe@example.com","failure_message":"550 5.1.1"}}`

// One event is one trace from the webhook to the row.
func TestTraceOfAnEvent(t *testing.T) {
	t.Parallel()
	c := &collector{}
	srv := httptest.NewServer(c)
	defer srv.Close()
	p := startTraced(t, srv.URL)
	p.send(bounced)
	p.stop()

	spans, raw := c.all()
	server := one(t, spans, "POST /webhooks/customerio")
	publish := one(t, spans, "publish CUSTOMERIO")
	suppression, row := one(t, spans, "suppression message"), one(t, spans, "warehouse message")
	batch, write := one(t, spans, "process warehouse"), one(t, spans, "write rows")
	parents := map[string][]byte{} // of the spans of the event's trace
	for _, s := range spans {
		if bytes.Equal(s.GetTraceId(), server.GetTraceId()) {
			parents[s.GetName()] = s.GetParentSpanId()
		}
	}
	want := map[string][]byte{
		"POST /webhooks/customerio": nil,
		"publish CUSTOMERIO":        server.GetSpanId(),
		"suppression message":       publish.GetSpanId(),
		"warehouse message":         publish.GetSpanId(),
		"track api identify":        suppression.GetSpanId(),
		"track api suppress":        suppression.GetSpanId(),
	}
	if diff := cmp.Diff(want, parents); diff != "" {
		t.Errorf("parents of the trace's spans (-want +got):\n%s", diff)
	}
	if !bytes.Equal(write.GetParentSpanId(), batch.GetSpanId()) || !linked(row, batch) || !linked(batch, publish) {
		t.Error("the row is not linked to its batch, or the batch not to the event")
	}
	got := map[string]string{}
	for _, a := range server.GetAttributes() {
		if name, ours := strings.CutPrefix(a.GetKey(), "cioevents."); ours {
			got[name] = a.GetValue().GetStringValue()
		}
	}
	if diff := cmp.Diff(map[string]string{"workspace": "default", "object_type": "email", "metric": "bounced", "outcome": "stored"}, got); diff != "" {
		t.Errorf("attributes of the call (-want +got):\n%s", diff)
	}
	for _, secret := range []string{"joe@example.com", "joe%40", "person-7", "cio-7"} {
		if bytes.Contains(raw, []byte(secret)) {
			t.Errorf("the collector received %q", secret)
		}
	}
}

// An unreachable collector costs spans, not events.
func TestTracesWithoutCollector(t *testing.T) {
	t.Parallel()
	p := startTraced(t, "http://127.0.0.1:1")
	p.send(bounced)
	p.stop()
	table, err := duckdb.Query(t.Context(), p.path, "SELECT metric FROM customerio_events")
	if err != nil || len(table.Rows) != 1 {
		t.Errorf("rows are %v, %v, want one", table, err)
	}
	if c := p.fake.Counts(); c.Identify != 1 || c.Suppress != 1 {
		t.Errorf("calls are %+v, want an identify and a suppression", c)
	}
	if log := p.log.String(); strings.Count(log, "spans lost") == 0 {
		t.Errorf("the log has no line about lost spans:\n%s", log)
	}
}

// A tracedPipeline is ingest and worker with a collector.
type tracedPipeline struct {
	t         *testing.T
	fake      *customeriotest.Fake
	conn      *stream.Conn
	url, path string
	log       syncBuffer
	stop      func()
}

func startTraced(t *testing.T, endpoint string) *tracedPipeline {
	t.Helper()
	p := &tracedPipeline{t: t, path: filepath.Join(t.TempDir(), "e.duckdb"), fake: customeriotest.New(customeriotest.Config{KnowsEverybody: true})}
	nats := streamtest.Start(t)
	p.conn = nats.Connect(stream.Settings{})
	api := httptest.NewServer(p.fake)
	t.Cleanup(api.Close)
	env := map[string]string{
		"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "NATS_URL": nats.URL(), "INGEST_ADDR": "127.0.0.1:0", "ADMIN_ADDR": "127.0.0.1:0",
		"CUSTOMERIO_WEBHOOK_SECRET": "key", "DRAIN_DELAY": "0", "CUSTOMERIO_SITE_ID": "s", "CUSTOMERIO_TRACK_API_KEY": "k",
		"CUSTOMERIO_TRACK_URL": api.URL, "WORKER_CONSUMERS": "suppression,warehouse", "WAREHOUSE_URL": "duckdb:" + p.path,
	}
	set := func(name string) *config.Set { return config.New(name, func(name string) string { return env[name] }) }
	var in ingestapp.Config
	var work workerapp.Config
	for declare, s := range map[*config.Set]func(*config.Set){set("ingest"): in.Declare, set("worker"): work.Declare} {
		s(declare)
		if err := declare.Parse(nil); err != nil {
			t.Fatal(err)
		}
	}
	receiver, err := ingestapp.New(in, zerolog.New(&p.log))
	if err != nil {
		t.Fatal(err)
	}
	worker, err := workerapp.New(work, zerolog.New(&p.log))
	if err != nil {
		t.Fatal(err)
	}
	p.url = "http://" + receiver.Addr().String() + "/webhooks/customerio"
	p.run(receiver.Run, worker.Run)
	return p
}

// run runs the programs until stop is called.
func (p *tracedPipeline) run(programs ...func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	for _, program := range programs {
		running.Go(func() {
			if err := program(ctx); err != nil {
				p.t.Errorf("a program ended with: %v", err)
			}
		})
	}
	p.stop = func() {
		cancel()
		running.Wait()
	}
	p.t.Cleanup(p.stop)
}

// send sends an event and waits until the worker has handled the event.
func (p *tracedPipeline) send(body string) {
	p.t.Helper()
	client := &http.Client{Timeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	waitFor(p.t, "the event is accepted", func() bool {
		r, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, p.url, strings.NewReader(body))
		if err != nil {
			p.t.Fatal(err)
		}
		webhook.SignRequest(r.Header, "key", time.Now(), []byte(body))
		resp, err := client.Do(r)
		if err != nil {
			p.t.Fatal(err)
		}
		defer resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	waitFor(p.t, "the event is handled", func() bool {
		status, err := p.conn.Status(p.t.Context())
		if err != nil || len(status.Consumers) < 2 {
			return false
		}
		// The lag alone does not tell: the server counts a new message a little later.
		return !slices.ContainsFunc(status.Consumers, func(c stream.ConsumerStatus) bool { return c.Lag > 0 || c.Settled == 0 })
	})
}

// A collector keeps the spans that it receives as OTLP over HTTP.
type collector struct {
	mu    sync.Mutex
	spans []*tracepb.Span
	raw   []byte
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var req coltracepb.ExportTraceServiceRequest
	body, err := io.ReadAll(r.Body)
	if err != nil || r.URL.Path != "/v1/traces" || proto.Unmarshal(body, &req) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.raw = append(c.raw, body...)
	for _, rs := range req.GetResourceSpans() {
		for _, ss := range rs.GetScopeSpans() {
			c.spans = append(c.spans, ss.GetSpans()...)
		}
	}
}

func (c *collector) all() (spans []*tracepb.Span, raw []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.spans, c.raw
}

// one returns the only span of that name.
func one(t *testing.T, spans []*tracepb.Span, name string) *tracepb.Span {
	t.Helper()
	var found []*tracepb.Span
	for _, s := range spans {
		if s.GetName() == name {
			found = append(found, s)
		}
	}
	if len(found) != 1 {
		t.Fatalf("there are %d spans %q, want 1, among %d", len(found), name, len(spans))
	}
	return found[0]
}

func linked(from, to *tracepb.Span) bool {
	return slices.ContainsFunc(from.GetLinks(), func(l *tracepb.Span_Link) bool { return bytes.Equal(l.GetSpanId(), to.GetSpanId()) })
}
