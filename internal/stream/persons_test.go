package stream_test

import (
	"testing"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/fault"
	"github.com/cioevents/cioevents/internal/privacy"
	"github.com/cioevents/cioevents/internal/privacy/privacytest"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// messagesOf returns the messages of the suite's events.
func messagesOf(t *testing.T, events []privacytest.Event) (list []*event.Message) {
	t.Helper()
	for _, e := range events {
		m := &event.Message{Workspace: e.Workspace, ReceivedAt: e.At, Body: e.Body}
		if err := m.Index(); err != nil {
			t.Fatal(err)
		}
		list = append(list, m)
	}
	return list
}

func keyOf(t *testing.T, workspace string, body []byte) privacytest.Key {
	t.Helper()
	e, err := webhook.Parse(body)
	if err != nil {
		t.Fatal(err)
	}
	return privacytest.Key{Workspace: workspace, ID: e.ID, Metric: e.Metric}
}

// eventPlace is the stream of events in the suite of package privacytest.
type eventPlace struct{ conn *stream.Conn }

func (p eventPlace) Store(*testing.T) privacy.Store { return p.conn.EventStore() }

func (p eventPlace) Add(t *testing.T, events []privacytest.Event) {
	t.Helper()
	pub := publisher(t, p.conn)
	for _, m := range messagesOf(t, events) {
		publish(t, pub, m)
	}
}

func (p eventPlace) Read(t *testing.T) map[privacytest.Key]string {
	t.Helper()
	all := map[privacytest.Key]string{}
	err := p.conn.TailEvents(t.Context(), stream.Selection{}, func(a event.Attempt) bool {
		all[keyOf(t, a.Workspace, a.Body)] = string(a.Body)
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// deadPlace is the stream of dead letters in the suite.
type deadPlace struct{ conn *stream.Conn }

func (p deadPlace) Store(*testing.T) privacy.Store { return p.conn.DeadStore() }

func (p deadPlace) Add(t *testing.T, events []privacytest.Event) {
	t.Helper()
	pub := publisher(t, p.conn)
	for _, m := range messagesOf(t, events) {
		storeDead(t, pub, event.DeadLetter{Message: *m, From: "engagement", Reason: fault.ReasonRejected, StoredAt: received, DiedAt: received})
	}
}

func (p deadPlace) Read(t *testing.T) map[privacytest.Key]string {
	t.Helper()
	all := map[privacytest.Key]string{}
	for _, d := range tailed(t, p.conn, stream.Selection{}) {
		all[keyOf(t, d.Workspace, d.Body)] = string(d.Body) + d.Err
	}
	return all
}

func TestStoresOfPersons(t *testing.T) {
	t.Parallel()
	deletes := privacytest.Features{Deletes: true, Unrelated: true}
	for name, place := range map[string]func(*stream.Conn) privacytest.Place{
		"events":       func(c *stream.Conn) privacytest.Place { return eventPlace{c} },
		"dead letters": func(c *stream.Conn) privacytest.Place { return deadPlace{c} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			privacytest.Run(t, deletes, func(t *testing.T) privacytest.Place {
				t.Helper()
				return place(streamtest.Start(t).Connect(stream.Settings{}))
			})
		})
	}
}
