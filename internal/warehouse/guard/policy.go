package guard

import (
	"bytes"
	"slices"
	"strings"

	"github.com/cioevents/cioevents/internal/privacy"
	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// An Action is what a policy does with the values of a column.
type Action string

// The actions on columns.
const (
	Keep Action = "keep"
	Hash Action = "hash"
	Drop Action = "drop"
)

// A PayloadMode is what a policy does with payloads.
type PayloadMode string

// The modes of payloads.
const (
	KeepPayload   PayloadMode = "keep"
	StripPayload  PayloadMode = "strip"  // without the content and the headers of a message
	RedactPayload PayloadMode = "redact" // known members alone, by the rules of the columns
	DropPayload   PayloadMode = "drop"   // event_id, metric and timestamp alone
)

// A Policy says what a warehouse may know about persons. A nil Policy keeps everything. A
// Policy is immutable.
type Policy struct {
	key     privacy.Key // zero when nothing is hashed
	rules   []rule      // without Keep, in the order of the table
	payload PayloadMode
	// name stands in redacted payloads. Another policy has another name, so that a check
	// finds the payloads of an earlier policy.
	name string
}

type rule struct {
	column warehouse.Column
	action Action
}

// Apply brings a row in line with the policy. Apply reports whether it has changed the row,
// and changes a row once: hashed values stay. A row that was erased has nothing to change.
func (p *Policy) Apply(r *warehouse.Row) (changed bool) {
	if p == nil || !r.ErasedAt.IsZero() {
		return false
	}
	var h hasher
	for i := range p.rules {
		changed = p.rules[i].apply(r, &p.key, &h) || changed
	}
	return p.applyPayload(r) || changed
}

func (u *rule) apply(r *warehouse.Row, key *privacy.Key, h *hasher) bool {
	field := u.column.Field(r)
	before := *field
	switch {
	case before == "":
	case u.action == Drop:
		*field = ""
	default:
		*field = h.column(key, u.column.Name, before)
	}
	return *field != before
}

// applyPayload changes the payload after the columns: a redacted payload has the values of
// the columns.
func (p *Policy) applyPayload(r *warehouse.Row) bool {
	before := r.Raw
	switch p.payload {
	case StripPayload:
		r.Raw, _ = webhook.Strip(r.Raw)
	case RedactPayload:
		r.Raw = p.redacted(r)
	case DropPayload:
		r.Raw = p.dropped(r)
	case KeepPayload:
	}
	if bytes.Equal(r.Raw, before) {
		return false
	}
	r.PayloadAltered = new(true)
	return true
}

// A hasher remembers the last hash: the columns of a row often have one address.
type hasher struct{ value, hash string }

// column returns the hashed value of a column. Some columns need more than a hash of the
// whole text:
//
//   - Of an address, every spelling has one hash, so that a person is one person.
//   - Of a failure message, only addresses are hashed. Views count refusals by the codes and
//     words of the other text.
//   - Of a link, addresses are hashed, and the query with the fragment as a whole. Views
//     compare links without the query.
func (h *hasher) column(key *privacy.Key, name, value string) string {
	switch name {
	case "email_address", "identifier_email", "recipient":
		return h.whole(key, privacy.Address(value))
	case "failure_message":
		return h.addresses(key, value)
	case "href":
		place, query := value, ""
		if i := strings.IndexAny(value, "?#"); i >= 0 {
			place, query = value[:i], value[i+1:]
		}
		if query != "" {
			query = "?" + h.whole(key, query)
		}
		return h.addresses(key, place) + query
	default:
		return h.whole(key, strings.TrimSpace(value))
	}
}

func (h *hasher) whole(key *privacy.Key, value string) string {
	if isHash(value) {
		return value
	}
	if h.hash == "" || h.value != value {
		h.value, h.hash = value, key.Hash(value)
	}
	return h.hash
}

// isHash reports whether a value is a hash of any key: an id and 64 hexadecimal digits.
func isHash(value string) bool {
	id, digits, ok := strings.Cut(value, ":")
	return ok && len(digits) == 64 && id != "" && len(id) <= 32 && strings.Trim(digits, "0123456789abcdef") == ""
}

// addresses hashes every address in a text.
func (h *hasher) addresses(key *privacy.Key, text string) string {
	return privacy.ReplaceAddresses(text, func(a string) string { return h.whole(key, privacy.Address(a)) })
}

// personal returns the columns of which a policy may say something, in the order of the
// table.
func personal() []warehouse.Column {
	return slices.DeleteFunc(warehouse.Columns(), func(c warehouse.Column) bool { return !c.Personal })
}
