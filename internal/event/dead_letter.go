package event

import "errors"

// ErrNoDeadLetter reports that a dead letter is not there any more.
var ErrNoDeadLetter = errors.New("there is no such dead letter")

// A StoredDeadLetter is a dead letter as it lies in the stream of dead letters.
type StoredDeadLetter struct {
	DeadLetter
	// Entries are its places in that stream, ascending: one, or several when
	// its body is in parts. The first is its name to an operator.
	Entries []uint64
	// Size is the body's in bytes. Body itself is only there when it was asked
	// for.
	Size int
	// Missing counts the parts of the body that are not there.
	Missing int
}
