package stream

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/fault"
)

// ackSyncTimeout bounds the wait for the confirmation of acknowledgements. A lost
// acknowledgement only costs another attempt.
const ackSyncTimeout = 5 * time.Second

// Bodies of the reply to a message, from the documentation of JetStream's
// acknowledgements. An empty body acknowledges as +ACK does, and the server need not copy
// the body.
const (
	ackOK       = ""
	ackNotYet   = "-NAK"
	ackProgress = "+WPI"
	ackTerm     = "+TERM"
)

// settler implements event.Settler. Unlike jetstream.Msg, a settler keeps neither the
// message nor the text of its reply subject: a worker can release 100,000 bodies and still
// settle their messages.
type settler struct {
	origin *origin
	// The numbers at the end of the reply subject. Source: ADR-15 of NATS.
	sequence, delivery, pending uint64
	storedAt                    int64 // unix nanoseconds
	attempt                     uint32
	settled                     atomic.Bool
}

func newSettler(m *jetstream.MsgMetadata) *settler {
	return &settler{
		sequence: m.Sequence.Stream, delivery: m.Sequence.Consumer, pending: m.NumPending,
		storedAt: m.Timestamp.UnixNano(), attempt: uint32(min(m.NumDelivered, math.MaxUint32)),
	}
}

// numbers appends the numbers to the text.
func (s *settler) numbers(text []byte) []byte {
	text = strconv.AppendUint(append(text, '.'), uint64(s.attempt), 10)
	text = strconv.AppendUint(append(text, '.'), s.sequence, 10)
	text = strconv.AppendUint(append(text, '.'), s.delivery, 10)
	text = strconv.AppendInt(append(text, '.'), s.storedAt, 10)
	return strconv.AppendUint(append(text, '.'), s.pending, 10)
}

// reply returns the reply subject.
func (s *settler) reply() string {
	if s.origin.whole {
		return s.origin.prefix
	}
	return string(s.numbers(append(make([]byte, 0, replySize), s.origin.prefix...)))
}

func newAttempt(nc *nats.Conn, msg jetstream.Msg) event.Attempt {
	return (&origins{nc: nc}).attempt(msg)
}

// attempt returns an attempt at msg.
func (o *origins) attempt(msg jetstream.Msg) event.Attempt {
	a := event.Attempt{Number: 1, Stored: &event.Stored{
		Message: decode(msg.Subject(), msg.Headers(), msg.Data()), Subject: msg.Subject(),
	}}
	meta, err := msg.Metadata()
	if err != nil {
		meta = &jetstream.MsgMetadata{}
	} else {
		a.Number = int(meta.NumDelivered) //nolint:gosec // a count of attempts
		a.Sequence = meta.Sequence.Stream
		a.StoredAt = meta.Timestamp
	}
	s := newSettler(meta)
	s.origin = o.of(msg.Reply(), meta.Consumer, s)
	a.Consumer, a.Settle = s.origin.consumer, s
	complete(&a)
	return a
}

// end ends the attempt with a reply. Every later call returns an error.
func (s *settler) end(text string) error {
	if s.settled.Swap(true) {
		return jetstream.ErrMsgAlreadyAckd
	}
	return s.publish(text)
}

func (s *settler) publish(text string) error {
	return s.origin.nc.Publish(s.reply(), []byte(text))
}

// complete fills in missing headers, as in a message that another program has
// published: headers are only an index of the body. Without an id, all such
// messages would be the same event to a warehouse.
func complete(a *event.Attempt) {
	if a.ID == "" {
		_ = a.Index() // Index sets an id even when the body cannot be parsed
	}
	if a.ReceivedAt.IsZero() {
		a.ReceivedAt = a.StoredAt
	}
}

func (s *settler) Ack() error {
	s.remember()
	return s.end(ackOK)
}

func (s *settler) AckSync() error {
	s.remember()
	if s.settled.Swap(true) {
		return jetstream.ErrMsgAlreadyAckd
	}
	ctx, cancel := context.WithTimeout(context.Background(), ackSyncTimeout)
	defer cancel()
	_, err := s.origin.nc.RequestWithContext(ctx, s.reply(), []byte(ackOK))
	return err
}

func (s *settler) Retry(wait time.Duration) error {
	if wait <= 0 {
		return s.end(ackNotYet)
	}
	return s.end(fmt.Sprintf(`%s {"delay": %d}`, ackNotYet, wait.Nanoseconds()))
}

// Extend sends nothing after the attempt has ended: the server would start the wait
// before the next attempt again.
func (s *settler) Extend() error {
	if s.settled.Load() {
		return jetstream.ErrMsgAlreadyAckd
	}
	return s.publish(ackProgress)
}

func (s *settler) Term(reason fault.Reason) error {
	s.remember()
	return s.end(ackTerm + " " + string(reason))
}

// remember adds the message to the memory of settled messages, also before a failed
// acknowledgement: the effect has happened, and a deleted consumer never answers.
func (s *settler) remember() {
	if m := s.origin.memory.Load(); m != nil {
		m.add(messageKey{s.sequence, s.storedAt})
	}
}
