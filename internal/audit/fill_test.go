package audit_test

import (
	"context"
	"errors"
	"net/http"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/audit"
	"github.com/cioevents/cioevents/internal/customerio"
	"github.com/cioevents/cioevents/internal/customerio/customeriotest"
	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// A killed publisher ends the process of a backfill after some events.
type killed struct {
	audit.Publisher
	left atomic.Int64
	kill context.CancelFunc
}

func (k *killed) Backfill(ctx context.Context, m *event.Message) (bool, error) {
	if k.left.Add(-1) < 0 {
		k.kill()
		return false, ctx.Err()
	}
	return k.Publisher.Backfill(ctx, m)
}

// A backfill after 2 % lost webhooks and an outage of a week, killed in the middle, brings
// the audit to zero. A repeated backfill changes nothing, and no effects consumer gets an
// event.
func TestFill(t *testing.T) {
	t.Parallel()
	n, large := deliveries(2000)
	path := filepath.Join(t.TempDir(), "rows")
	if !large {
		path += ".duckdb"
	}
	h := newHistory(n)
	fake := customeriotest.NewApp(customeriotest.AppConfig{Deliveries: n + 1, Rate: 1_000_000})
	h.play(t, fake, path)

	conn := streamtest.Start(t).Connect(stream.Settings{})
	rows, err := conn.OpenConsumer(t.Context(), "warehouse", []string{stream.AllEvents})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.OpenConsumer(t.Context(), "suppression", stream.EventsOf("", webhook.Metrics())); err != nil {
		t.Fatal(err)
	}
	pub, err := stream.NewPublisher(conn, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer pub.Close()
	order := audit.Order{
		Workspace: "default", Since: h.since, Until: h.until, Warehouse: placeAt(t, path), Consumer: "warehouse",
		App: quick(t, fake), Stream: conn, Erased: erased(t),
	}
	fill := func(pub audit.Publisher) *audit.Filled {
		t.Helper()
		f, err := audit.Fill(t.Context(), order, pub)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	missing := len(h.missing)
	if f := fill(nil); f.Missing != missing || f.Stored != 0 || stored(t, conn) != 0 {
		t.Errorf("counted %+v, want %d missing and nothing stored", f, missing)
	}
	ctx, cancel := context.WithCancel(t.Context())
	k := &killed{Publisher: pub, kill: cancel}
	k.left.Store(int64(missing / 3))
	if f, err := audit.Fill(ctx, order, k); !errors.Is(err, context.Canceled) {
		t.Fatalf("killed: %+v, %v", f, err)
	}
	before := stored(t, conn)
	if before == 0 || before >= missing {
		t.Fatalf("%d events were stored before the end, of %d", before, missing)
	}
	f := fill(pub)
	if f.Waiting != before || f.Missing != missing-before || f.Stored != f.Missing || f.Repeated != 0 {
		t.Errorf("resumed: %+v, want %d waiting and %d missing", f, before, missing-before)
	}
	if f := fill(pub); f.Missing != 0 || f.Waiting != missing {
		t.Errorf("again, before a worker has stored the rows: %+v", f)
	}
	h.work(t, rows, path, missing)
	if f := fill(pub); f.Missing+f.Waiting+f.InStream != 0 {
		t.Errorf("again: %+v", f)
	}
	if got := stored(t, conn); got != missing {
		t.Errorf("the stream has %d events, want %d", got, missing)
	}
	r, err := audit.Run(t.Context(), order)
	if err != nil || r.Missing+r.Customerio.Missing != 0 {
		t.Errorf("the audit finds %+v, %v", r, err)
	}
	status, err := conn.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range status.Consumers {
		if c.Lag != 0 {
			t.Errorf("%d events wait for %s", c.Lag, c.Name)
		}
	}
	t.Logf("%d deliveries, %d backfilled events, %d calls", r.Customerio.Deliveries, missing, fake.Counts().Requests)
}

// work stores the rows of all events of the stream, as a worker does, and compares them with
// what is missing.
func (h *history) work(t *testing.T, consumer *stream.Consumer, path string, events int) {
	t.Helper()
	sink := open(t, path)
	for done := 0; done < events; {
		attempts, err := consumer.Fetch(t.Context(), event.Limits{Messages: 10_000, Linger: 100 * time.Millisecond})
		if err != nil || len(attempts) == 0 {
			t.Fatalf("%d of %d events: %v", done, events, err)
		}
		batch := make([]warehouse.Row, len(attempts))
		for i := range attempts {
			a, row := &attempts[i], &batch[i]
			if err := row.Parse(a.Body, warehouse.Origin{EventID: a.ID, Workspace: a.Workspace, ReceivedAt: a.ReceivedAt, Sequence: a.Sequence}); err != nil {
				t.Fatal(err)
			}
			at, ok := h.missing[pair{row.DeliveryID, row.Metric}]
			if !ok || !at.Equal(row.Timestamp) || row.Shape != webhook.Backfill || row.EventID != "backfill:"+row.DeliveryID+":"+string(row.Metric) || a.Workspace != "default" {
				t.Fatalf("row %+v is not missing", row)
			}
		}
		if _, err := sink.Write(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
		for i := range attempts[1:] {
			if err := attempts[i+1].Settle.Ack(); err != nil {
				t.Fatal(err)
			}
		}
		if err := attempts[0].Settle.AckSync(); err != nil { // confirms all
			t.Fatal(err)
		}
		done += len(attempts)
	}
	if err := sink.Close(); err != nil {
		t.Fatal(err)
	}
}

// quick returns a client of the App API without a network, at the largest rate.
func quick(t *testing.T, h http.Handler) *customerio.App {
	t.Helper()
	a, err := customerio.NewApp(customerio.AppConfig{Key: "key", Rate: 10, Transport: transport(h)})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// collected keeps the messages of a backfill by their bodies.
type collected struct{ sync.Map }

func (c *collected) Backfill(_ context.Context, m *event.Message) (bool, error) {
	c.Store(string(m.Body), m)
	return false, nil
}

func stored(t *testing.T, conn *stream.Conn) int {
	t.Helper()
	s, err := conn.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return int(s.Stream.Messages)
}

// A backfilled event has what Customer.io lists: each detail under the metric to which it
// belongs.
func TestFilledEvent(t *testing.T) {
	t.Parallel()
	fake := customeriotest.NewApp(customeriotest.AppConfig{Rate: 1_000_000})
	at := weekOne.Unix()
	for _, body := range []string{
		`{"event_id":"1","object_type":"sms","metric":"sent","timestamp":1756717200,"data":{"delivery_id":"D=","identifiers":{"id":"jo","cio_id":"c1"},"customer_id":"jo","recipient":"+15550100","campaign_id":4,"action_id":41,"trigger_event_id":"T"}}`,
		`{"event_id":"2","object_type":"sms","metric":"bounced","timestamp":1756717201,"data":{"delivery_id":"D=","failure_message":"Unknown destination handset"}}`,
		`{"event_id":"3","object_type":"email","metric":"opened","timestamp":1756717202,"data":{"delivery_id":"E","identifiers":{"email":"jo@a.example"},"recipient":"jo@b.example","subject":"Hi","newsletter_id":5,"content_id":6,"prefetched":true}}`,
	} {
		fake.Record([]byte(body))
	}
	if at != 1756717200 {
		t.Fatal("the bodies have other times")
	}
	conn := streamtest.Start(t).Connect(stream.Settings{})
	if _, err := conn.OpenConsumer(t.Context(), "warehouse", []string{stream.AllEvents}); err != nil {
		t.Fatal(err)
	}
	var bodies collected
	f, err := audit.Fill(t.Context(), audit.Order{
		Workspace: "default", Since: weekOne, Until: weekOne.Add(time.Hour), Warehouse: placeAt(t, fill(t)), Consumer: "warehouse", App: quick(t, fake), Stream: conn, Erased: erased(t),
	}, &bodies)
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(map[webhook.Metric]int{"sent": 1, "bounced": 1, "opened": 1}, f.Metrics); diff != "" || f.Stored != 3 {
		t.Errorf("%+v, metrics (-want +got):\n%s", f, diff)
	}
	sms := `,"data":{"customer_id":"jo","identifiers":{"id":"jo","cio_id":"c1"},"delivery_id":"D=","recipient":"+15550100","campaign_id":4,"action_id":41,"trigger_event_id":"T"`
	for _, want := range []string{
		`{"event_id":"backfill:D=:sent","object_type":"sms","metric":"sent","timestamp":1756717200` + sms + `}}`,
		`{"event_id":"backfill:D=:bounced","object_type":"sms","metric":"bounced","timestamp":1756717201` + sms + `,"failure_message":"Unknown destination handset"}}`,
		`{"event_id":"backfill:E:opened","object_type":"email","metric":"opened","timestamp":1756717202,"data":{"identifiers":{"email":"jo@a.example"},"delivery_id":"E","recipient":"jo@b.example","subject":"Hi","newsletter_id":5,"content_id":6,"prefetched":true}}`,
	} {
		if m, ok := bodies.Load(want); !ok {
			t.Errorf("no event %s", want)
		} else if m := m.(*event.Message); m.Workspace != "default" || m.ReceivedAt.IsZero() || m.Metric == "" || m.ObjectType == "" {
			t.Errorf("message %+v", m)
		}
	}
	bodies.Range(func(body, _ any) bool {
		t.Log(body)
		return true
	})
}

// An event that the stream has and the worker has settled without a row is not stored
// again: a replay stores its row.
func TestFillLeavesTheStreamsEvents(t *testing.T) {
	t.Parallel()
	lost := sent("lost", weekOne)
	lost.ReceivedAt = weekOne.AddDate(0, 0, 2) // after the period, as a backfilled event
	fake := customeriotest.NewApp(customeriotest.AppConfig{})
	fake.Record(lost.Body)
	f, err := audit.Fill(t.Context(), audit.Order{
		Workspace: "default", Since: weekOne, Until: weekOne.Add(time.Hour), Warehouse: placeAt(t, fill(t)), Consumer: "warehouse",
		App: direct(t, fake), Stream: &events{list: []event.Attempt{lost}, settled: 1}, Erased: erased(t),
	}, &collected{})
	if err != nil || f.InStream != 1 || f.Missing+f.Stored+f.Waiting != 0 {
		t.Errorf("filled %+v, error %v; want 1 event of the stream alone", f, err)
	}
}
