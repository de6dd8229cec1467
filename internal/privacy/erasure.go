package privacy

import "time"

// An Erasure is an entry of the list of erased persons. Events of an identifier on the list
// go into warehouses without personal data.
type Erasure struct {
	// Mark is a Key.Mark.
	Mark string `json:"mark"`
	// Request is the id of the request that erased the person, and Person tells the
	// persons of one request apart. Both are equal for all identifiers of a person.
	Request string `json:"request"`
	Person  int    `json:"person,omitempty"`
	// Workspace and Kind are those of the identifier.
	Workspace string `json:"workspace,omitempty"`
	Kind      Kind   `json:"kind,omitempty"`
	// At is the time of the erasure.
	At time.Time `json:"at"`
}
