package privacytest

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/cioevents/cioevents/internal/privacy"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// related checks that an identifier leads to the person's other identifiers, and a shared address
// to two persons.
func related(s *suite) {
	three := person(Workspace, 3)
	s.checkRelated(three.Identifiers[:1])
	s.checkRelated(three.Identifiers[1:2])
	s.checkRelated([]privacy.Identifier{{Kind: privacy.Email, Value: shared}})
	s.checkRelated([]privacy.Identifier{{Kind: privacy.ID, Value: "nobody"}})
}

func (s *suite) checkRelated(ids []privacy.Identifier) {
	s.Helper()
	got, err := s.store.Related(s.Context(), Workspace, ids)
	if err != nil {
		s.Fatalf("Related: %v", err)
	}
	if s.Unrelated {
		if got != nil {
			s.Errorf("Related returned %v; want nil", got)
		}
		return
	}
	var want [][]privacy.Identifier
	theirs, _ := s.split(s.events, privacy.Person{Workspace: Workspace, Identifiers: ids})
	for _, e := range theirs {
		parsed, err := webhook.Parse(e.Body)
		if err != nil {
			s.Fatal(err)
		}
		want = append(want, privacy.Identify(parsed))
	}
	if got, want := largest(got), largest(want); !slices.EqualFunc(got, want, slices.Equal) {
		s.Errorf("identifiers related to %v: %v; want %v", ids, got, want)
	}
}

// largest returns the combinations that are not part of another, each once and sorted.
func largest(combinations [][]privacy.Identifier) [][]privacy.Identifier {
	var list [][]privacy.Identifier
	for i, c := range combinations {
		if len(c) > 0 && !slices.ContainsFunc(combinations[:i], func(o []privacy.Identifier) bool { return contains(o, c) && contains(c, o) }) &&
			!slices.ContainsFunc(combinations, func(o []privacy.Identifier) bool { return contains(o, c) && !contains(c, o) }) {
			list = append(list, slices.SortedFunc(slices.Values(c), compare))
		}
	}
	slices.SortFunc(list, func(a, b []privacy.Identifier) int { return slices.CompareFunc(a, b, compare) })
	return list
}

func compare(a, b privacy.Identifier) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Value, b.Value))
}

// contains reports whether a has every identifier of b.
func contains(a, b []privacy.Identifier) bool {
	return !slices.ContainsFunc(b, func(id privacy.Identifier) bool { return !slices.Contains(a, id) })
}

func find(s *suite) {
	nobody := privacy.Person{Workspace: Workspace, Identifiers: []privacy.Identifier{{Kind: privacy.ID, Value: "nobody"}}}
	half := person(Workspace, 7)
	half.Identifiers = half.Identifiers[:1] // the id alone

	family := []privacy.Person{person(Workspace, 0), person(Workspace, 1)} // two with one address
	for i := range family {
		family[i].Identifiers = append(family[i].Identifiers, privacy.Identifier{Kind: privacy.Email, Value: shared})
	}
	s.checkFound(s.events, person(Workspace, 3), person(Other, 3), half, nobody, family[0], family[1])
	s.checkFound(s.events, family[1]) // other persons
}

// export checks that every event of a person is exported with its body.
func export(s *suite) {
	p := person(Workspace, 3)
	theirs, _ := s.split(s.events, p)
	want, got := map[string]bool{}, map[string]bool{}
	for _, e := range theirs {
		want[line(privacy.Record{Store: s.store.Name(), EventID: e.ID, Metric: string(e.Metric), Time: e.At, Body: e.Body})] = true
	}
	err := s.store.Export(s.Context(), p, func(r privacy.Record) error {
		got[line(r)] = true
		return nil
	})
	if err != nil {
		s.Fatalf("Export: %v", err)
	}
	if !maps.Equal(got, want) {
		s.Errorf("Export called with %v; want %v", got, want)
	}
}

// line is a record as a text. A warehouse may write the same JSON in another way.
func line(r privacy.Record) string {
	e, err := webhook.Parse(r.Body)
	if err != nil {
		return err.Error()
	}
	return strings.Join([]string{r.Store, r.EventID, r.Metric, r.Time.UTC().String(), e.ID, e.DeliveryID, e.Recipient, e.Content}, " | ")
}

// exportEnds checks that an error of the caller ends an export.
func exportEnds(s *suite) {
	full := errors.New("disk full")
	calls := 0
	err := s.store.Export(s.Context(), person(Workspace, 3), func(privacy.Record) error {
		calls++
		return full
	})
	if !errors.Is(err, full) || calls != 1 {
		s.Errorf("Export returned %v after %d calls; want the caller's error after 1", err, calls)
	}
}
