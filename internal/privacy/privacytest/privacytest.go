// Package privacytest is the conformance suite of privacy.Store.
package privacytest

import (
	"strings"
	"testing"

	"github.com/cioevents/cioevents/internal/privacy"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// A Place is a store under test, with the means to fill it and to look into it. The suite
// begins with an empty store.
type Place interface {
	// Store returns the store.
	Store(t *testing.T) privacy.Store
	// Add stores events in their order.
	Add(t *testing.T, events []Event)
	// Read returns for each stored event everything that the store tells about the
	// event: the body, and the values of all columns.
	Read(t *testing.T) map[Key]string
}

// A Key identifies an event of the fixture.
type Key struct {
	Workspace, ID string
	Metric        webhook.Metric
}

// Key returns the event's key.
func (e *Event) Key() Key { return Key{e.Workspace, e.ID, e.Metric} }

// Features lists the intended differences of a store. The zero value describes a warehouse.
type Features struct {
	// Deletes is set when Erase deletes events also without EraseOptions.Rows, as the
	// stream and the dead letters do.
	Deletes bool
	// Unrelated is set when Related returns nil.
	Unrelated bool
}

// persons is the number of persons of the fixture, in each workspace.
const persons = 30

// Run runs the suite. Each test calls start once and gets a store of its own. The tests run
// in parallel.
func Run(t *testing.T, f Features, start func(t *testing.T) Place) {
	t.Helper()
	for _, c := range []struct {
		name string
		run  func(*suite)
	}{
		{"related", related},
		{"find", find},
		{"export", export},
		{"export ends", exportEnds},
		{"erase one", eraseOne},
		{"erase several", eraseSeveral},
		{"erase rows", eraseRows},
		{"erase a shared address", eraseShared},
		{"erase after an interruption", eraseInterrupted},
		{"events after an erasure", eventsAfterwards},
		{"identifiers of any bytes", anyBytes},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := start(t)
			s := &suite{T: t, Features: f, Place: p, events: fixture(persons)}
			p.Add(t, s.events)
			s.store = p.Store(t)
			c.run(s)
		})
	}
}

// A suite is one test of the suite, with its store full of the fixture's events.
type suite struct {
	*testing.T
	Features
	Place
	store  privacy.Store
	events []Event
}

// split returns those of the events that are the persons', and the others.
func (s *suite) split(events []Event, persons ...privacy.Person) (theirs, others []Event) {
	s.Helper()
	theirs, others, err := split(events, persons...)
	if err != nil {
		s.Fatal(err)
	}
	return theirs, others
}

// checkFound checks that one Find counts the stored events of each person.
func (s *suite) checkFound(stored []Event, persons ...privacy.Person) {
	s.Helper()
	found, err := s.store.Find(s.Context(), persons)
	if err != nil {
		s.Fatalf("Find: %v", err)
	}
	for i, p := range persons {
		var want privacy.Found
		if theirs, _ := s.split(stored, p); len(theirs) > 0 {
			want = privacy.Found{Events: int64(len(theirs)), First: theirs[0].At, Last: theirs[len(theirs)-1].At}
		}
		if got := found[i]; got.Events != want.Events || !got.First.Equal(want.First) || !got.Last.Equal(want.Last) {
			s.Errorf("Find %v: %v; want %v", p, got, want)
		}
	}
}

// names reports whether a text contains an identifier of a person, also one with escapes
// or in another case.
func names(text string, p privacy.Person) bool {
	text = strings.ToLower(strings.NewReplacer(`\u0040`, "@", `\u0070`, "p").Replace(text))
	for _, id := range p.Identifiers {
		if strings.Contains(text, strings.ToLower(id.Value)) {
			return true
		}
	}
	return false
}
