package audit_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/audit"
	"github.com/cioevents/cioevents/internal/customerio/customeriotest"
	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/privacy"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/warehouse/guard"
)

// erased returns the guard of a worker after the erasure of persons. Its clock stands
// still, so that the list does not age.
func erased(t *testing.T, ids ...privacy.Identifier) *guard.Guard {
	t.Helper()
	key, err := privacy.NewKey("k1", []byte(strings.Repeat("k", 32)))
	if err != nil {
		t.Fatal(err)
	}
	marks := &stream.Marks{}
	for _, id := range ids {
		marks.List = append(marks.List, key.Mark("default", id))
	}
	g := guard.New(guard.Config{
		Key: key, Log: zerolog.Nop(), Now: func() time.Time { return weekOne },
		ReadMarks: func(context.Context, *stream.Marks) (*stream.Marks, error) { return marks, nil },
	})
	if err := g.Read(t.Context()); err != nil {
		t.Fatal(err)
	}
	return g
}

// A lost event of an erased person is no gap, whichever of the person's identifiers
// Customer.io lists. An event of the stream without a row stays a gap.
func TestErasedPersonsAreNoGap(t *testing.T) {
	t.Parallel()
	here, inStream := personal("here", `"identifiers":{"id":"jo-42"}`), personal("in the stream", `"identifiers":{"id":"jo-42"}`)
	fake := customeriotest.NewApp(customeriotest.AppConfig{})
	for _, a := range []event.Attempt{
		here, inStream,
		personal("by id", `"identifiers":{"id":"jo-42"}`),
		personal("by the old field", `"customer_id":"jo-42"`),
		personal("by cio_id", `"identifiers":{"cio_id":"c1"}`),
		personal("by address", `"identifiers":{"id":"new","email":"JO@mail.example"}`),
		personal("by recipient", `"recipient":"Jo <jo@mail.example>"`),
		personal("of ann", `"identifiers":{"id":"ann"},"recipient":"jo@mail.example"`),
	} {
		fake.Record(a.Body)
	}
	var bodies collected
	order := audit.Order{
		Workspace: "default", Since: weekOne, Until: weekOne.Add(time.Hour), Warehouse: placeAt(t, fill(t, here)), Consumer: "warehouse",
		App: direct(t, fake), Stream: &events{list: []event.Attempt{here, inStream}, settled: 2},
		Erased: erased(t, privacy.Identifier{Kind: privacy.ID, Value: "jo-42"}, privacy.Identifier{Kind: privacy.Email, Value: "jo@mail.example"}, privacy.Identifier{Kind: privacy.CioID, Value: "c1"}),
	}
	f, err := audit.Fill(t.Context(), order, &bodies)
	if err != nil || f.Erased != 5 || f.Missing != 1 || f.Stored != 1 || f.InStream != 1 {
		t.Errorf("filled %+v, %v", f, err)
	}
	bodies.Range(func(body, _ any) bool {
		if text, _ := body.(string); !strings.Contains(text, `"delivery_id":"of ann"`) {
			t.Errorf("stored %s", text)
		}
		return true
	})
	r, err := audit.Run(t.Context(), order)
	if err != nil {
		t.Fatal(err)
	}
	if c := r.Customerio; c.Erased != 5 || c.ErasedUnknown || c.Missing != 2 || r.Missing != 2 || len(c.Lines) != 1 || c.Lines[0].Here != 1 {
		t.Errorf("audit %+v", c)
	}
	if notes := strings.Join(r.Notes(), "\n"); !strings.Contains(notes, "5 metrics of erased persons") || strings.Contains(notes, "PRIVACY_KEY") {
		t.Errorf("notes:\n%s", notes)
	}

	order.Erased = nil
	if r, err = audit.Run(t.Context(), order); err != nil || r.Customerio.Missing != 7 || !strings.Contains(strings.Join(r.Notes(), "\n"), "set PRIVACY_KEY") {
		t.Errorf("audit without the list: %+v, %v", r, err)
	}
}

// personal returns a sent event with data about its person.
func personal(delivery, data string) event.Attempt {
	m := event.Message{Workspace: "default", ReceivedAt: weekOne, Body: fmt.Appendf(nil, `{"event_id":%q,"object_type":"email","metric":"sent","timestamp":%d,"data":{"delivery_id":%[1]q,"campaign_id":4,%[3]s}}`, delivery, weekOne.Unix(), data)}
	if err := m.Index(); err != nil {
		panic(err)
	}
	return event.Attempt{Stored: &event.Stored{Message: m}}
}

// Without the list of erased persons nothing is stored, also when the list becomes
// unreadable in the middle.
func TestFillNeedsTheListOfErasedPersons(t *testing.T) {
	t.Parallel()
	fake := customeriotest.NewApp(customeriotest.AppConfig{})
	fake.Record(sent("lost", weekOne).Body)
	order := audit.Order{
		Workspace: "default", Since: weekOne, Until: weekOne.Add(time.Hour), Warehouse: placeAt(t, fill(t)), Consumer: "warehouse",
		App: direct(t, fake), Stream: &events{},
	}
	if f, err := audit.Fill(t.Context(), order, storesNothing{t}); err == nil || !strings.Contains(err.Error(), "needs an App API key, the stream and the list of erased persons") {
		t.Errorf("without a list: %+v, %v", f, err)
	}
	away := errors.New("NATS is away")
	unread := guard.New(guard.Config{Log: zerolog.Nop(), ReadMarks: func(context.Context, *stream.Marks) (*stream.Marks, error) { return nil, away }})
	if err := unread.Read(t.Context()); !errors.Is(err, away) {
		t.Errorf("reading: %v", err)
	}
	order.Erased = unread
	f, err := audit.Fill(t.Context(), order, storesNothing{t})
	if !errors.Is(err, away) || f.Missing+f.Stored+f.Erased != 0 {
		t.Errorf("with an unreadable list: %+v, %v", f, err)
	}
}
