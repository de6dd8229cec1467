// Package event defines the types that ingest, stream and worker share: the
// message that carries one webhook call, the attempt of a consumer at a message,
// and the dead letter of a message that was given up.
package event

import (
	"time"

	"github.com/cioevents/cioevents/internal/fault"
)

// A Message is one webhook call on its way from ingest to the consumers. Body
// is the record; every other field is an index of Body and can be derived again.
type Message struct {
	// Workspace is the Customer.io workspace whose key signed the call.
	Workspace string
	// ID is the event_id of the body, or the hex SHA-256 of a body without an
	// event_id. Workspace, ID and Metric identify the event for de-duplication.
	ID string
	// ObjectType and Metric are the normalised words of the envelope, "" where
	// the body has none. In a message of the stream they are tokens of the subject,
	// so that odd characters have become underscores.
	ObjectType, Metric string
	// ReceivedAt is the clock of ingest after it had read the call.
	ReceivedAt time.Time
	// Body holds the bytes of the call exactly as they were signed, unless
	// Stripped is set.
	Body []byte
	// Stripped lists the fields that were cut out of Body because the stream
	// does not accept messages of its size, for example "content,headers".
	Stripped string
	// TraceParent is the W3C trace context of the call, "" for none.
	TraceParent string
	// Released reports that an operator has redriven the held suppression of this
	// message: SUPPRESSION_LIMIT does not hold the suppression again.
	Released bool
}

// Probe is the body of a call that tries a signing key. ingest verifies and answers the
// call, and stores nothing. Customer.io has no object type "test", so that no event equals
// Probe.
const Probe = `{"event_id":"cioevents-probe","object_type":"test","metric":"probe","timestamp":0,"data":{}}`

// A Stored is a message with what the stream says about the message.
type Stored struct {
	Message
	// Consumer is the JetStream consumer that delivered the message; during a
	// replay it is the replay's own, not its target.
	Consumer string
	// Subject is the subject that the message was read from.
	Subject string
	// StoredAt is the stream's clock when it stored the message.
	StoredAt time.Time
}

// An Attempt is one try of a consumer at a message. The consumer settles the
// attempt exactly once, by one of the methods of Settle.
type Attempt struct {
	// Stored is never nil. An attempt of a large batch that has no contents any more is
	// a fifth as large with a pointer.
	*Stored
	// Number counts the attempts of this consumer at this message, from 1.
	Number int
	// Sequence is the message's position in the stream.
	Sequence uint64
	// Work is the result of decoding Body while the rest of the batch was
	// fetched. Body may be nil then, to save memory. Default nil.
	Work   any
	Settle Settler
}

// Limits bound one fetch of attempts.
type Limits struct {
	// Messages is the largest number of messages.
	Messages int
	// Bytes bounds the total size of the messages, 0 for no bound. A fetch always
	// returns the first message, however large.
	Bytes int
	// Linger is how long to wait for more messages after the first.
	Linger time.Duration
	// Wait is how long to wait for the first message. Default is the source's
	// choice.
	Wait time.Duration
}

// A Settler tells the stream the outcome of an attempt.
type Settler interface {
	// Ack ends the message for this consumer. Ack does not wait for the server.
	Ack() error
	// AckSync is Ack, but returns only after the server has confirmed this
	// acknowledgement and all earlier ones of the same connection.
	AckSync() error
	// Retry asks for another attempt after the wait.
	Retry(wait time.Duration) error
	// Extend tells the server that work on the attempt goes on, so that the
	// server does not give the message to another worker.
	Extend() error
	// Term ends the message for this consumer without success. The caller has
	// stored a dead letter before.
	Term(reason fault.Reason) error
}
