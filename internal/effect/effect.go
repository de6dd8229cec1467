// Package effect decides which changes of a person's profile follow from an event.
// The rules of a file turn the event into calls; internal/customerio makes the
// calls.
package effect

import "time"

// A Kind is what a call does to a profile.
type Kind string

// The kinds of calls.
const (
	// Identify sets attributes of a person who exists.
	Identify Kind = "identify"
	// Track sends an event about a person, which can trigger campaigns.
	Track Kind = "track"
	// Suppress deletes the person for good and blocks the identifiers. Customer.io
	// silently ignores later calls about the person.
	Suppress Kind = "suppress"
)

// Customer.io's limits of a call, in bytes except for MaxAttributes. Customer.io
// refuses or silently drops a call, name or value beyond a limit.
const (
	MaxName       = 150 // of an attribute, or of a property of an event
	MaxValue      = 1000
	MaxEventName  = 100
	MaxAttributes = 300 // number of attributes of a person
)

// A Call is a single change of a profile. The calls of an event must be made in order.
// Repeating all of them does no harm.
type Call struct {
	Kind   Kind
	Person Person
	// At is when the event happened. Of two values for an attribute, Customer.io
	// keeps the value with the later At, in whichever order the calls arrive.
	At time.Time
	// Attributes are the attributes that Identify sets, or the data of the event
	// that Track sends; nil for Suppress. A value is a string, a bool or an int64.
	// A time is an int64 in unix seconds.
	Attributes map[string]any
	// Bounce marks a Suppress that a bounce caused. SUPPRESSION_LIMIT counts these, and
	// no complaint.
	Bounce bool
	// Event is the name of the event that Track sends. ID is a ULID by which
	// Customer.io recognises a repetition of the event. Both are "" for other
	// kinds.
	Event, ID string
}
