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
	Phone IDKind = "phone" // version 2 of the Track API only
)

// A Person is one identifier of a person. Persons can be compared with ==.
type Person struct {
	Kind  IDKind
	Value string // without the prefix cio_ of the Track API
}

const cioPrefix = "cio_"

// Identifier returns the identifier of the person in the Track API: an id, an e-mail
// address, a phone number, or "cio_" and a CioID.
func (p Person) Identifier() string {
	if p.Kind == CioID {
		return cioPrefix + p.Value
	}
	return p.Value
}

// PersonOf returns the person of an event, or false when the event has no
// identifier of a person.
//
// CioID comes first for two reasons: a cio_id never changes, and Customer.io drops
// an update of a deleted person by cio_id. An id or an e-mail address may by now
// belong to somebody else. A phone number is the last of the event's identifiers, because
// version 1 of the Track API cannot address a person by phone number.
func PersonOf(e *webhook.Event) (Person, bool) {
	for _, p := range []Person{
		// Customer.io accepts cio_cio_1 and silently ignores the call.
		{CioID, strings.TrimPrefix(strings.TrimSpace(e.Identifiers.CioID), cioPrefix)},
		{ID, e.Identifiers.ID},
		{ID, e.CustomerID},
		{Email, e.Identifiers.Email},
		{Phone, e.Identifiers.Phone},
		{Email, e.EmailAddress},
	} {
		if !blank(p.Value) {
			return p, true
		}
	}
	if e.ObjectType != webhook.Email {
		return Person{}, false
	}
	// Without AddrSpec the Track API would take the recipient "joe" for the id joe.
	address, ok := webhook.AddrSpec(e.Recipient)
	if !ok {
		return Person{}, false
	}
	return Person{Email, address}, true
}

func blank(s string) bool { return strings.TrimSpace(s) == "" }
