package event

import (
	"errors"
	"time"

	"github.com/cioevents/cioevents/internal/fault"
)

// FromIngest is DeadLetter.From of a call that never became a message of the
// stream.
const FromIngest = "ingest"

// A DeadLetter is a message that a program has given up on, with everything that
// an operator needs to understand the failure and to send the message again.
type DeadLetter struct {
	Message
	// From is FromIngest, or the name of the consumer that gave up.
	From string
	// Consumer is the consumer of the attempt. The same message, given up during a
	// replay, is another dead letter. Only the de-duplication id contains Consumer:
	// a dead letter that is read from the stream has none.
	Consumer string
	Reason   fault.Reason
	// Err is the text of the last error. It must not contain bodies, addresses or
	// keys.
	Err string
	// Attempts, Subject, Sequence and StoredAt are zero when ingest gave up.
	Attempts int
	Subject  string
	// Sequence is the message's position in the stream. A recreated stream counts
	// from 1 again, so a position identifies nothing.
	Sequence uint64
	// StoredAt is the stream's clock when it stored the message. Every attempt at
	// the message has the same StoredAt, and a new DiedAt.
	StoredAt time.Time
	DiedAt   time.Time
}

// ErrNoDeadLetter reports that a dead letter does not exist any more.
var ErrNoDeadLetter = errors.New("no such dead letter")

// A StoredDeadLetter is a dead letter as an entry, or several, of the stream of
// dead letters.
type StoredDeadLetter struct {
	DeadLetter
	// Key identifies the dead letter, also after the stream of dead letters was
	// recreated. Two copies of one dead letter have the same key. "" for an entry
	// that another program has published without an id.
	Key string
	// Entries are the sequences of the entries, ascending: one, or several when
	// the body is stored in parts. Operators name a dead letter by its first entry.
	Entries []uint64
	// Size is the size of the body in bytes. A list sets Size and leaves Body nil.
	Size int
	// Missing counts the parts of the body that are no longer stored.
	Missing int
}
