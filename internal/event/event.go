// Package event is what ingest and worker agree on: the message that carries
// one webhook call, the attempt of a consumer to handle it, and the dead letter
// that it becomes when it is given up.
package event

import (
	"time"

	"github.com/cioevents/cioevents/internal/fault"
)

// A Message is one webhook call on its way from ingest to the consumers. Body
// is the record; everything else is an index of it and can be made again.
type Message struct {
	// Workspace is the Customer.io workspace whose key signed the call.
	Workspace string
	// ID is the body's event_id, or the hex SHA-256 of the body without one.
	// Together with Workspace it identifies the event for de-duplication.
	ID string
	// ObjectType and Metric are the normalised words of the envelope, "" where
	// the body names none.
	ObjectType, Metric string
	// ReceivedAt is our clock when the call had been read.
	ReceivedAt time.Time
	// Body holds the bytes of the call exactly as they were signed, unless
	// Stripped is set.
	Body []byte
	// Stripped lists the fields that were cut out of Body because the stream
	// does not take messages of its size, e.g. "content,headers".
	Stripped string
	// TraceParent is the W3C trace context of the call, "" when it had none.
	TraceParent string
}

// An Attempt is one try of a consumer at a message. It must be settled exactly
// once, by one of the functions of Settle.
type Attempt struct {
	Message
	// Consumer is the durable consumer of the stream that handed it out: in a replay
	// another than the one that it is replayed to.
	Consumer string
	// Number counts the attempts of this consumer at this message, from 1.
	Number int
	// Sequence is the message's place in the stream.
	Sequence uint64
	// Subject is where the message was read from.
	Subject string
	// StoredAt is the stream's clock when it stored the message.
	StoredAt time.Time
	// Work is what a handler has made of Body while the rest of a batch was
	// fetched. Body may be gone then, to save memory. Nil by default.
	Work   any
	Settle Settler
}

// Limits bound one fetch of attempts.
type Limits struct {
	// Messages is the largest number of messages.
	Messages int
	// Bytes bounds their size in all, 0 for no bound. One message is always
	// fetched, however large.
	Bytes int
	// Linger is how long to wait for more after the first.
	Linger time.Duration
	// Wait is how long to wait for the first. Default is the source's choice.
	Wait time.Duration
}

// A Settler tells the stream what became of an attempt.
type Settler interface {
	// Ack ends the message for this consumer. It does not wait for the server.
	Ack() error
	// AckSync is Ack, and returns when the server has confirmed this one and
	// all earlier ones of the same connection.
	AckSync() error
	// Retry asks for another attempt after the wait.
	Retry(wait time.Duration) error
	// Extend tells the server that work on the attempt goes on, so that it is
	// not handed to another worker.
	Extend() error
	// Term ends the message for this consumer without success. The caller has
	// stored a dead letter before.
	Term(reason fault.Reason) error
}

// FromIngest is DeadLetter.From of what never became a message of the stream.
const FromIngest = "ingest"

// A DeadLetter is a message that was given up, with what is needed to
// understand it and to send it again.
type DeadLetter struct {
	Message
	// From is FromIngest or the name of the consumer that gave up.
	From string
	// Consumer is that of the attempt. The same message given up in a replay is
	// another dead letter. It is not there to be read back.
	Consumer string
	Reason   fault.Reason
	// Err is the last error's text. It must not hold bodies, addresses or keys.
	Err string
	// Attempts, Subject and Sequence are zero when ingest gave up.
	Attempts int
	Subject  string
	Sequence uint64
	DiedAt   time.Time
}
