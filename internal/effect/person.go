package effect

import (
	"strings"

	"github.com/cioevents/cioevents/pkg/webhook"
)

// An IDKind is the kind of an identifier of a person.
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
	Value string // without the prefix cio_ of the Track API
}

// Identifier returns the identifier of the person in the Track API: an id, an e-mail
// address, or "cio_" and a CioID.
func (p Person) Identifier() string {
	if p.Kind == CioID {
		return "cio_" + p.Value
	}
	return p.Value
}

// PersonOf returns the person of an event, or false when the event has no
// identifier of a person.
//
// CioID comes first for two reasons: a cio_id never changes, and Customer.io drops
// an update of a deleted person by cio_id. An id or an e-mail address may by now
// belong to somebody else.
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
