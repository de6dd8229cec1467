// Package effect holds the rules that turn an event into calls about the
// person's profile. It decides only; internal/customerio performs.
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
	// Suppress deletes the person for good and blocks the identifiers. Whatever
	// is said about the person afterwards is ignored, silently.
	Suppress Kind = "suppress"
)

// Customer.io's limits of a call, in bytes or in number. It refuses what exceeds
// them, or drops it without a word.
const (
	MaxName       = 150 // of an attribute, or of a part of an event's data
	MaxValue      = 1000
	MaxEventName  = 100
	MaxAttributes = 300 // of a person
)

// A Call is one change of one profile. The calls of an event must be made in
// their order; making them all again does no harm.
type Call struct {
	Kind   Kind
	Person Person
	// At is when the event happened. Of two values for one attribute the one
	// with the later At stays, whichever call comes first.
	At time.Time
	// Attributes are what Identify sets, and the data of Track's event; nil for
	// Suppress. Values are strings, booleans and int64; times are unix seconds.
	Attributes map[string]any
	// Event is the name of the event that Track sends, and ID a ULID by which
	// Customer.io recognises it when it comes again. Only Track has them.
	Event, ID string
}
