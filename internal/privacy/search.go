package privacy

import (
	"slices"

	"github.com/cioevents/cioevents/pkg/webhook"
)

// A Search finds the events of persons in a store. The columns of a warehouse may have hashed
// values.
type Search struct {
	owners map[owner][]int   // the persons of an identifier
	clear  map[string]string // values by their hashes
	texts  map[Kind][]string // see Texts
	places []string          // see Workspaces
}

type owner struct {
	workspace string
	id        Identifier
}

// NewSearch returns a search for persons. key is nil if no column has hashed values.
func NewSearch(persons []Person, key *Key) *Search {
	s := &Search{owners: map[owner][]int{}, clear: map[string]string{}, texts: map[Kind][]string{}}
	for i, p := range persons {
		if !slices.Contains(s.places, p.Workspace) {
			s.places = append(s.places, p.Workspace)
		}
		for _, id := range p.Identifiers {
			o := owner{p.Workspace, id}
			s.owners[o] = append(s.owners[o], i)
			s.add(id, key)
		}
	}
	return s
}

func (s *Search) add(id Identifier, key *Key) {
	if slices.Contains(s.texts[id.Kind], id.Value) { // of another person
		return
	}
	texts := []string{id.Value}
	if key != nil {
		hash := key.Hash(id.Value)
		s.clear[hash] = id.Value
		texts = append(texts, hash)
	}
	for _, t := range texts {
		s.texts[id.Kind] = append(s.texts[id.Kind], t)
		if id.Kind == CioID {
			s.texts[id.Kind] = append(s.texts[id.Kind], cioPrefix+t)
		}
	}
}

// Workspaces returns the workspaces of the persons, each once.
func (s *Search) Workspaces() []string { return s.places }

// Texts returns the texts that a column may have for the identifiers of a kind: the values
// in their normal form, a cio_id also with its prefix, and the hashes of the values.
func (s *Search) Texts(k Kind) []string { return s.texts[k] }

// Match returns the indexes of the persons whose event an event is, as Person.Matches
// decides, and whether it is anybody's. Two persons may have an identifier in common. The
// event of a row has the values of the columns: Match replaces hashed values of the persons
// by the clear values.
func (s *Search) Match(workspace string, e *webhook.Event) (persons []int, ok bool) {
	for _, text := range []*string{&e.CustomerID, &e.Identifiers.ID, &e.Identifiers.Email, &e.Identifiers.CioID, &e.Identifiers.Phone, &e.EmailAddress, &e.Recipient} {
		if value, hashed := s.clear[*text]; hashed {
			*text = value
		}
	}
	for _, id := range Owner(e) {
		for _, i := range s.owners[owner{workspace, id}] {
			if !slices.Contains(persons, i) {
				persons = append(persons, i)
			}
		}
	}
	return persons, len(persons) > 0
}
