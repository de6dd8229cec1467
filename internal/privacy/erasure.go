package privacy

import "time"

// An Erasure is an entry of the list of erased persons. Events of an identifier on the list
// go into warehouses without personal data.
type Erasure struct {
	// Mark is a Key.Mark.
	Mark string `json:"mark"`
	// Request is the id of the request that erased the person. All identifiers of the
	// person have the same id.
	Request string `json:"request"`
	// At is the time of the erasure.
	At time.Time `json:"at"`
}
