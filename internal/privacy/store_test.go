package privacy_test

import (
	"context"
	"slices"
	"testing"

	"github.com/cioevents/cioevents/internal/privacy"
	"github.com/cioevents/cioevents/internal/privacy/privacytest"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// The suite passes on a store in memory, which is as simple as a store can be.
func TestStores(t *testing.T) {
	t.Parallel()
	privacytest.Run(t, privacytest.Features{Deletes: true}, func(*testing.T) privacytest.Place { return &memory{} })
}

// memory is a store in memory and its place.
type memory struct{ events []privacytest.Event }

func (m *memory) Store(*testing.T) privacy.Store { return m }

func (m *memory) Add(_ *testing.T, events []privacytest.Event) {
	m.events = append(m.events, events...)
}

func (m *memory) Read(*testing.T) map[privacytest.Key]string {
	all := map[privacytest.Key]string{}
	for _, e := range m.events {
		all[e.Key()] = string(e.Body)
	}
	return all
}

func (m *memory) Name() string { return "memory" }

func (m *memory) Related(_ context.Context, workspace string, ids []privacy.Identifier) ([][]privacy.Identifier, error) {
	var all [][]privacy.Identifier
	for _, e := range m.of(privacy.Person{Workspace: workspace, Identifiers: ids}) {
		parsed, err := webhook.Parse(e.Body)
		if err != nil {
			return nil, err
		}
		all = append(all, privacy.Identify(parsed))
	}
	return all, nil
}

func (m *memory) Find(_ context.Context, persons []privacy.Person) ([]privacy.Found, error) {
	found := make([]privacy.Found, len(persons))
	for i, p := range persons {
		if events := m.of(p); len(events) > 0 {
			found[i] = privacy.Found{Events: int64(len(events)), First: events[0].At, Last: events[len(events)-1].At}
		}
	}
	return found, nil
}

func (m *memory) Export(_ context.Context, p privacy.Person, to func(privacy.Record) error) error {
	for _, e := range m.of(p) {
		if err := to(privacy.Record{Store: m.Name(), EventID: e.ID, Metric: string(e.Metric), Time: e.At, Body: e.Body}); err != nil {
			return err
		}
	}
	return nil
}

func (m *memory) Erase(_ context.Context, persons []privacy.Person, _ privacy.EraseOptions) (privacy.Erased, error) {
	before := len(m.events)
	for _, p := range persons {
		theirs := m.of(p)
		m.events = slices.DeleteFunc(m.events, func(e privacytest.Event) bool {
			return slices.ContainsFunc(theirs, func(o privacytest.Event) bool { return o.Key() == e.Key() })
		})
	}
	return privacy.Erased{Events: int64(before - len(m.events))}, nil
}

func (m *memory) of(p privacy.Person) []privacytest.Event {
	var list []privacytest.Event
	for _, e := range m.events {
		if parsed, err := webhook.Parse(e.Body); err == nil && p.Matches(e.Workspace, parsed) {
			list = append(list, e)
		}
	}
	return list
}
