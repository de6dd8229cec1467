package privacy

import (
	"context"
	"encoding/json"
	"time"
)

// A Store holds events of persons: a warehouse, the stream, the dead letters. Every
// implementation passes the suite of package privacytest. The Store of a warehouse with
// hashed columns has the policy's Key and finds hashed values beside clear values.
//
// Store has five methods, more than our other interfaces: a store that can be searched and
// not erased would break the promise to the person.
type Store interface {
	// Name names the store for a person: "warehouse duckdb", "stream", "dead letters".
	Name() string

	// Related returns the identifiers of the events of Person{workspace, ids}, as
	// Identify returns them: an element for each distinct combination, so that the
	// caller sees several persons behind one address. Related does not search for the
	// identifiers of the result. A warehouse answers; the stream and the dead letters
	// return nil, because a second full read would be too slow.
	Related(ctx context.Context, workspace string, ids []Identifier) ([][]Identifier, error)

	// Find counts the events of each person as Person.Matches decides, in one read for all
	// persons. Each event counts once, and for every person who matches.
	Find(ctx context.Context, persons []Person) ([]Found, error)

	// Export calls the function with each event of the person, in any order and perhaps
	// repeatedly. An error of the function ends the export and is returned.
	Export(ctx context.Context, p Person, to func(Record) error) error

	// Erase removes the data of persons. After an interruption, the next call with the
	// same persons finishes; a repeated call finds nothing and returns 0 events.
	Erase(ctx context.Context, persons []Person, o EraseOptions) (Erased, error)
}

// EraseOptions are the caller's choices. The zero value works.
type EraseOptions struct {
	// Rows deletes whole rows of a warehouse. Without Rows a row stays without the
	// person's data. The stream and the dead letters always delete.
	Rows bool
	// At is the erased_at of the rows. The zero value means now.
	At time.Time
	// Progress is called now and then with the work done and all work, in units of the
	// store. nil: nobody watches.
	Progress func(done, total int64)
}

// A Record is one event of a person in a store.
type Record struct {
	Store   string `json:"store"`
	EventID string `json:"event_id"`
	Metric  string `json:"metric,omitempty"`
	// Time is the time of the event, zero when its body has none.
	Time time.Time `json:"time,omitzero"`
	// Sequence is the message's place in the stream, 0 when unknown.
	Sequence uint64 `json:"sequence,omitempty"`
	// Body is the body as the store has it.
	Body json.RawMessage `json:"body"`
}

// Erased is the result of an erasure in a store.
type Erased struct {
	// Events counts the events whose data the call removed.
	Events int64 `json:"events"`
	// CleanAt is the time from which no byte of the data is left in the store. The zero
	// time means now.
	CleanAt time.Time `json:"clean_at,omitzero"`
	// NotClean means that bytes stay readable until somebody acts as Note says.
	NotClean bool   `json:"not_clean,omitempty"`
	Note     string `json:"note,omitempty"`
}
