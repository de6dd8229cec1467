package privacytest

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/cioevents/cioevents/internal/privacy"
	"github.com/cioevents/cioevents/pkg/webhook"
)

func eraseOne(s *suite) { s.checkErase(privacy.EraseOptions{}, person(Workspace, 3)) }

func eraseSeveral(s *suite) {
	s.checkErase(privacy.EraseOptions{At: begin.Add(time.Hour), Progress: func(int64, int64) {}},
		person(Workspace, 3), person(Other, 4), person(Workspace, 5))
}

func eraseRows(s *suite) { s.checkErase(privacy.EraseOptions{Rows: true}, person(Workspace, 3)) }

// eraseShared checks that messages to an address stay when they name another person.
func eraseShared(s *suite) {
	s.checkErase(privacy.EraseOptions{}, privacy.Person{
		Workspace:   Workspace,
		Identifiers: []privacy.Identifier{{Kind: privacy.Email, Value: shared}},
	})
}

// eraseInterrupted checks that an erasure after an interrupted one finishes.
func eraseInterrupted(s *suite) {
	p := person(Workspace, 3)
	ctx, cancel := context.WithCancel(s.Context())
	defer cancel()
	before := s.Read(s.T)
	_, err := s.store.Erase(ctx, []privacy.Person{p}, privacy.EraseOptions{Progress: func(int64, int64) { cancel() }})
	if err != nil && ctx.Err() == nil {
		s.Fatalf("Erase: %v", err)
	}
	if _, err := s.store.Erase(s.Context(), []privacy.Person{p}, privacy.EraseOptions{}); err != nil {
		s.Fatalf("Erase after an interruption: %v", err)
	}
	s.checkErased(before, false, p)
}

// eventsAfterwards checks that a store takes events after an erasure, and that the events
// are found.
func eventsAfterwards(s *suite) {
	p := person(Workspace, 3)
	s.erase(privacy.EraseOptions{}, p)
	again := person(Workspace, persons+1)
	e := Event{Workspace, "later", webhook.Sent, begin.Add(time.Hour), nil}
	e.Body = fmt.Appendf(nil, fill(bodies[0].text, persons+1), e.ID, e.At.Unix())
	s.Add(s.T, []Event{e})
	s.checkFound([]Event{e}, p, again)
}

// checkErase erases persons twice, and checks that their data is gone and that nothing else
// has changed.
func (s *suite) checkErase(o privacy.EraseOptions, persons ...privacy.Person) {
	s.Helper()
	theirs, _ := s.split(s.events, persons...)
	before := s.Read(s.T)
	for _, e := range theirs { // else the search below shows nothing
		if !slices.ContainsFunc(persons, func(p privacy.Person) bool { return names(before[e.Key()], p) }) {
			s.Fatalf("%v: the store tells no identifier of the person before the erasure: %q", e.Key(), before[e.Key()])
		}
	}
	if got := s.erase(o, persons...); got.Events != int64(len(theirs)) {
		s.Errorf("Erase removed the data of %d events; want %d", got.Events, len(theirs))
	}
	s.checkErased(before, o.Rows, persons...)
	if got := s.erase(o, persons...); got.Events != 0 {
		s.Errorf("a second Erase removed the data of %d events; want 0", got.Events)
	}
}

func (s *suite) erase(o privacy.EraseOptions, persons ...privacy.Person) privacy.Erased {
	s.Helper()
	got, err := s.store.Erase(s.Context(), persons, o)
	if err != nil {
		s.Fatalf("Erase: %v", err)
	}
	return got
}

// checkErased compares the store with its content before the erasure.
func (s *suite) checkErased(before map[Key]string, rows bool, persons ...privacy.Person) {
	s.Helper()
	theirs, others := s.split(s.events, persons...)
	after := s.Read(s.T)
	for _, e := range theirs {
		text, kept := after[e.Key()]
		if want := !s.Deletes && !rows; kept != want {
			s.Errorf("%v: the event is still there: %v; want %v", e.Key(), kept, want)
		}
		for _, p := range persons {
			if names(text, p) {
				s.Errorf("%v: an identifier of the person is left: %q", e.Key(), text)
			}
		}
	}
	for _, e := range others {
		if was, is := before[e.Key()], after[e.Key()]; is != was {
			s.Errorf("%v of somebody else was %q and is now %q", e.Key(), was, is)
		}
	}
	s.checkFound(nil, persons...)
}
