package effect

import (
	"strings"

	"github.com/cioevents/cioevents/pkg/webhook"
)

// An IDKind says which of a person's identifiers is used.
type IDKind string

// The kinds of identifiers.
const (
	CioID IDKind = "cio_id" // Customer.io's own id
	ID    IDKind = "id"
	Email IDKind = "email"
)

// A Person is one identifier of a person. Persons can be compared with ==.
type Person struct {
	Kind  IDKind
	Value string // without the prefix that CioID has on the wire
}

// Identifier returns the word by which the Track API knows the person.
func (p Person) Identifier() string {
	if p.Kind == CioID {
		return "cio_" + p.Value
	}
	return p.Value
}

// PersonOf returns the person that an event is about, or false when the event
// names nobody.
//
// Customer.io's own id comes first because it never changes and because an
// update of a deleted person by it is dropped, where an id or an e-mail address
// may by now belong to somebody else.
func PersonOf(e *webhook.Event) (Person, bool) {
	candidates := []Person{
		{CioID, e.Identifiers.CioID},
		{ID, e.Identifiers.ID},
		{ID, e.CustomerID},
		{Email, e.Identifiers.Email},
		{Email, e.EmailAddress},
	}
	if e.ObjectType == webhook.Email {
		candidates = append(candidates, Person{Email, e.Recipient})
	}
	for _, p := range candidates {
		if strings.TrimSpace(p.Value) != "" {
			return p, true
		}
	}
	return Person{}, false
}
