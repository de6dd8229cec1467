package privacy

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/cioevents/cioevents/pkg/webhook"
)

// A Kind is a kind of identifier.
type Kind string

// The kinds of identifiers, with the names that flags and receipts use.
const (
	ID    Kind = "id"
	Email Kind = "email"
	CioID Kind = "cio_id" // Customer.io's own id of the person
	Phone Kind = "phone"
)

// Kinds returns the kinds above in their order.
func Kinds() []Kind { return []Kind{ID, Email, CioID, Phone} }

// An Identifier names a person in a workspace. Value is in the normal form that
// ParseIdentifier and Identify return, so that equal identifiers are equal values.
type Identifier struct {
	Kind  Kind
	Value string
}

// ParseIdentifier returns the identifier in its normal form: without white space around
// the value, an e-mail address without a display name and in lower case, a cio_id without
// the prefix "cio_". ParseIdentifier refuses a value of less than two characters: such a
// value names nobody or, by a mistake of a script, many. Errors do not contain the value.
func ParseIdentifier(kind Kind, value string) (Identifier, error) {
	id := normalize(kind, value)
	switch n := utf8.RuneCountInString(id.Value); n {
	case 0:
		return Identifier{}, fmt.Errorf("parse %s: the value is empty", kind)
	case 1:
		return Identifier{}, fmt.Errorf("parse %s: the value has a single character: want two at least", kind)
	}
	if _, ok := webhook.AddrSpec(value); kind == Email && !ok {
		return Identifier{}, fmt.Errorf("parse %s: the value is not a single address such as ann@example.com", kind)
	}
	return id, nil
}

// cioPrefix stands before a cio_id in calls of the Track API, and in some columns.
const cioPrefix = "cio_"

// normalize returns the normal form of an identifier. An invalid e-mail address keeps its
// text.
func normalize(kind Kind, value string) Identifier {
	value = strings.TrimSpace(value)
	switch kind {
	case Email:
		value = Address(value)
	case CioID:
		value = strings.TrimPrefix(value, cioPrefix)
	case ID, Phone:
	}
	return Identifier{Kind: kind, Value: value}
}

// Address returns the address of a text with a single mailbox, in lower case, and another
// text unchanged except for white space around the text. Two texts are the same mailbox
// for webhook.SameMailbox if their Address is equal.
func Address(text string) string {
	if isPlain(text) {
		return text
	}
	spec, ok := webhook.AddrSpec(text)
	if !ok {
		return strings.TrimSpace(text)
	}
	return strings.Map(lower, spec)
}

// plain has the characters of most addresses, beside the at sign. Each of them has one case
// and no special meaning in RFC 5322.
var plain = func() (set [256]bool) {
	for _, c := range []byte("abcdefghijklmnopqrstuvwxyz0123456789._-+") {
		set[c] = true
	}
	return set
}()

// isPlain reports whether a text is an address in its normal form, as most addresses are:
// a worker asks for each event. A false answer says nothing.
func isPlain(s string) bool {
	at := strings.IndexByte(s, '@')
	if at <= 0 || at == len(s)-1 {
		return false
	}
	for i := range len(s) {
		if !plain[s[i]] && i != at {
			return false
		}
	}
	return true
}

// lower returns a letter in lower case. The lower case of the Kelvin sign is the letter k
// with another number of bytes: the two are different addresses.
func lower(r rune) rune {
	if l := unicode.ToLower(r); utf8.RuneLen(l) == utf8.RuneLen(r) {
		return l
	}
	return r
}

// Identify returns the identifiers of the person of an event, at most one of each kind.
// Identify does not read the recipient: a message may go to somebody else's address.
func Identify(e *webhook.Event) []Identifier { return appendPerson(nil, e) }

// appendPerson is Identify, without an allocation in a loop.
func appendPerson(ids []Identifier, e *webhook.Event) []Identifier {
	id := e.Identifiers.ID
	if id == "" {
		id = e.CustomerID // deprecated by Customer.io
	}
	for _, i := range [...]Identifier{{ID, id}, {Email, e.Identifiers.Email}, {CioID, e.Identifiers.CioID}, {Phone, e.Identifiers.Phone}} {
		if i = normalize(i.Kind, i.Value); i.Value != "" {
			ids = append(ids, i)
		}
	}
	return ids
}

// Owner returns the identifiers that decide whose event an event is: the identifiers of
// Identify. Without them, the recipient's address or phone number decides. A subscription
// event has an address and no recipient.
func Owner(e *webhook.Event) []Identifier { return appendOwner(nil, e) }

// appendOwner is Owner, without an allocation in a loop.
func appendOwner(ids []Identifier, e *webhook.Event) []Identifier {
	if ids = appendPerson(ids, e); len(ids) > 0 {
		return ids
	}
	for _, text := range [...]string{e.EmailAddress, e.Recipient} {
		if i, ok := contact(e.ObjectType, text); ok {
			ids = append(ids, i)
		}
	}
	return ids
}

// contact returns the address or the phone number of a recipient. The recipient of other
// messages is a channel, a URL or a device.
func contact(t webhook.ObjectType, text string) (Identifier, bool) {
	if _, ok := webhook.AddrSpec(text); ok {
		return normalize(Email, text), true
	}
	i := normalize(Phone, text)
	return i, i.Value != "" && (t == webhook.SMS || t == webhook.WhatsApp)
}
