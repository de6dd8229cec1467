package audit_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/audit"
	"github.com/cioevents/cioevents/internal/customerio/customeriotest"
	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/place"
	"github.com/cioevents/cioevents/internal/warehouse/warehousetest"
)

// events are the events of a stream in their order; Sequence counts from 1.
type events struct {
	list    []event.Attempt
	settled uint64
	missing bool // the consumer
}

func (e *events) TailEvents(_ context.Context, _ stream.Selection, fn func(event.Attempt) bool) error {
	for i, a := range e.list {
		a.Sequence = uint64(i + 1)
		if !fn(a) {
			return nil
		}
	}
	return nil
}

func (e *events) StoreLink(context.Context, string) (stream.StoreLink, error) {
	return stream.StoreLink{Exists: !e.missing, Settled: e.settled}, nil
}

// sent returns the attempt of an event that was received at a time.
func sent(id string, received time.Time) event.Attempt {
	m := event.Message{Workspace: "default", ReceivedAt: received, Body: fmt.Appendf(nil, `{"event_id":%q,"object_type":"email","metric":"sent","timestamp":%d,"data":{"delivery_id":"D-%s","campaign_id":4,"action_id":41}}`, id, received.Unix(), id)}
	if err := m.Index(); err != nil {
		panic(err)
	}
	return event.Attempt{Stored: &event.Stored{Message: m}}
}

// fill stores the rows of attempts in a new warehouse and returns the path.
func fill(t *testing.T, attempts ...event.Attempt) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "w.duckdb")
	write(t, placeAt(t, path), attempts)
	return path
}

func write(t *testing.T, p place.Place, attempts []event.Attempt) {
	t.Helper()
	sink, err := p.Sink(zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	var rows []warehouse.Row
	for i := range attempts {
		var row warehouse.Row
		if err := row.Parse(attempts[i].Body, warehouse.Origin{EventID: attempts[i].ID, Workspace: attempts[i].Workspace, ReceivedAt: attempts[i].ReceivedAt}); err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row)
	}
	warehousetest.Fill(t, sink, rows)
}

// Without a key the audit names the events of the stream that have no row, each once. An
// event that waits, a message that is no event, and events outside the period or of
// another workspace, and one that occurred long before are no gap.
func TestStreamAgainstWarehouse(t *testing.T) {
	t.Parallel()
	at := weekOne
	stored, lost, again, waiting, early, late := sent("stored", at), sent("lost", at), sent("lost", at.Add(time.Hour)), sent("waiting", at), sent("early", at.Add(-time.Hour)), sent("late", at.AddDate(0, 0, 2))
	repeated := sent("repeated", at) // its row is of the first call, days before
	first := sent("repeated", at.AddDate(0, 0, -6))
	other, unreadable, old := sent("other", at), sent("x", at), sent("old", at.AddDate(0, 0, -9))
	old.ReceivedAt = at
	other.Workspace, unreadable.Body = "other", []byte("no event")
	s := &events{list: []event.Attempt{early, stored, lost, again, repeated, other, unreadable, late, old, waiting}, settled: 9}
	order := audit.Order{Workspace: "default", Since: at, Until: at.AddDate(0, 0, 1), Warehouse: placeAt(t, fill(t, stored, first)), Stream: s, Consumer: "warehouse"}
	var gaps []audit.Gap
	order.Missing = func(g audit.Gap) error { gaps = append(gaps, g); return nil }
	r, err := audit.Run(t.Context(), order)
	if err != nil {
		t.Fatal(err)
	}
	want := []audit.Gap{{
		Message:    audit.Message{ObjectType: "email", Source: "campaign", SourceID: "4", ActionID: 41},
		DeliveryID: "D-lost", Metric: "sent", At: at, Sequence: 3, EventID: "lost",
	}}
	if diff := gocmp.Diff(want, gaps); diff != "" {
		t.Errorf("gaps (-want +got):\n%s", diff)
	}
	if diff := gocmp.Diff(&audit.StreamComparison{Events: 5, Missing: 1, Waiting: 1, Unreadable: 1, Old: 1}, r.Stream); diff != "" || r.Missing != 1 || r.Customerio != nil {
		t.Errorf("result %+v, stream (-want +got):\n%s", r, diff)
	}

	failure := errors.New("disk full")
	order.Missing = func(audit.Gap) error { return failure }
	if _, err := audit.Run(t.Context(), order); !errors.Is(err, failure) {
		t.Errorf("error %v, want that of Missing", err)
	}
	s.missing = true
	if _, err := audit.Run(t.Context(), order); err == nil || err.Error() != "consumer warehouse does not exist: no worker fills this warehouse from this stream" {
		t.Errorf("error %v", err)
	}
}

// A gap that Customer.io and the stream tell of counts once. What is comparable is
// compared, and the rest is counted apart: a deleted person, a delivery that Customer.io
// does not list any more, a metric without a webhook, and a metric before the period.
func TestThreeSides(t *testing.T) {
	t.Parallel()
	at := weekOne
	both, streamed, gone := sent("both", at), sent("streamed", at), sent("gone", at)
	never, earlier := sent("never", at), sent("earlier", at.Add(-2*time.Hour)) // only here, and not of the period
	fake := customeriotest.NewApp(customeriotest.AppConfig{})
	// Its event of the period arrived after the period, and the worker has it still to do.
	recent := sent("new", at)
	recent.ReceivedAt = at.AddDate(0, 0, 2)
	// Another one arrived after the period, such as a backfilled event, and the worker has
	// given up on it.
	dropped := sent("dropped", at)
	dropped.ReceivedAt = recent.ReceivedAt
	for _, a := range []event.Attempt{both, streamed, never, recent, dropped} {
		fake.Record(a.Body)
	}
	for _, body := range []string{
		`{"event_id":"f","object_type":"email","metric":"sent","timestamp":%d,"data":{"delivery_id":"forgotten","newsletter_id":5}}`,
		`{"event_id":"i","object_type":"live_notification","metric":"sent","timestamp":%d,"data":{"delivery_id":"live","campaign_id":4}}`,
		`{"event_id":"u","object_type":"slack","metric":"undeliverable","timestamp":%d,"data":{"delivery_id":"slack","campaign_id":4}}`,
	} {
		fake.Record(fmt.Appendf(nil, body, at.Unix()))
	}
	fake.Record(fmt.Appendf(nil, `{"event_id":"b","object_type":"email","metric":"sent","timestamp":%d,"data":{"delivery_id":"before","campaign_id":4}}`, at.Add(-time.Minute).Unix()))
	fake.Erase("forgotten")
	var gaps []audit.Gap
	r, err := audit.Run(t.Context(), audit.Order{
		Workspace: "default", Since: at, Until: at.AddDate(0, 0, 1), Warehouse: placeAt(t, fill(t, both, gone, earlier)), Consumer: "warehouse",
		Stream: &events{list: []event.Attempt{both, streamed, gone, dropped, recent}, settled: 4}, App: direct(t, fake),
		Missing: func(g audit.Gap) error { gaps = append(gaps, g); return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	var named []string
	for _, g := range gaps {
		named = append(named, fmt.Sprint(g.DeliveryID, " ", g.Sequence))
	}
	if want := []string{"D-streamed 2", "D-dropped 4", "D-never 0"}; !slices.Equal(named, want) || r.Missing != 3 {
		t.Errorf("%d gaps %v, want %v", r.Missing, named, want)
	}
	message := audit.Message{ObjectType: "email", Source: "campaign", SourceID: "4", ActionID: 41}
	want := &audit.Comparison{
		Listed: at.Add(-audit.DefaultLookback), Deliveries: 9, Missing: 3, OnlyHere: 1, Waiting: 1, Forgotten: 1, NoWebhook: 2, ErasedUnknown: true,
		Lines: []audit.Line{{Message: message, Metric: "sent", Customerio: 4, Here: 2, Missing: 3, OnlyHere: 1}},
	}
	if diff := gocmp.Diff(want, r.Customerio, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("comparison (-want +got):\n%s", diff)
	}
}

// The real stream has the store link and the events that the audit needs.
func TestRealStream(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	conn := server.Connect(stream.Settings{})
	defer conn.Close()
	now := time.Now()
	stored, lost := sent("stored", now.Add(-2*time.Hour)), sent("lost", now.Add(-2*time.Hour))
	pub, err := stream.NewPublisher(conn, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []*event.Message{&stored.Message, &lost.Message} {
		if _, err := pub.Publish(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	consumer, err := conn.OpenConsumer(t.Context(), "warehouse", []string{stream.AllEvents})
	if err != nil {
		t.Fatal(err)
	}
	attempts, err := consumer.Fetch(t.Context(), event.Limits{Messages: 2, Linger: time.Second})
	if err != nil || len(attempts) != 2 {
		t.Fatalf("%d attempts, %v", len(attempts), err)
	}
	for i := range attempts {
		if err := attempts[i].Settle.AckSync(); err != nil {
			t.Fatal(err)
		}
	}
	r, err := audit.Run(t.Context(), audit.Order{
		Workspace: "default", Since: now.AddDate(0, 0, -1), Until: now.Add(-time.Hour), Warehouse: placeAt(t, fill(t, stored)), Stream: conn, Consumer: "warehouse",
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(&audit.StreamComparison{Events: 2, Missing: 1}, r.Stream); diff != "" {
		t.Errorf("stream (-want +got):\n%s", diff)
	}
}
