package stream

import (
	"context"
	"fmt"
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
// acknowledgements.
const (
	ackOK       = "+ACK"
	ackNotYet   = "-NAK"
	ackProgress = "+WPI"
	ackTerm     = "+TERM"
)

// settler implements event.Settler. Unlike jetstream.Msg, a settler does not keep
// the message in memory: a worker can release 100,000 bodies and still settle
// their messages.
type settler struct {
	nc      *nats.Conn
	reply   string
	settled atomic.Bool
}

func newAttempt(nc *nats.Conn, msg jetstream.Msg) event.Attempt {
	m := decode(msg.Subject(), msg.Headers(), msg.Data())
	a := event.Attempt{
		Message: &m,
		Number:  1,
		Subject: msg.Subject(),
		Settle:  &settler{nc: nc, reply: msg.Reply()},
	}
	if meta, err := msg.Metadata(); err == nil {
		a.Consumer = meta.Consumer
		a.Number = int(meta.NumDelivered) //nolint:gosec // a count of attempts
		a.Sequence = meta.Sequence.Stream
		a.StoredAt = meta.Timestamp
	}
	complete(&a)
	return a
}

// end ends the attempt with a reply. Every later call returns an error.
func (s *settler) end(text string) error {
	if s.settled.Swap(true) {
		return jetstream.ErrMsgAlreadyAckd
	}
	return s.nc.Publish(s.reply, []byte(text))
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

func (s *settler) Ack() error { return s.end(ackOK) }

func (s *settler) AckSync() error {
	if s.settled.Swap(true) {
		return jetstream.ErrMsgAlreadyAckd
	}
	ctx, cancel := context.WithTimeout(context.Background(), ackSyncTimeout)
	defer cancel()
	_, err := s.nc.RequestWithContext(ctx, s.reply, []byte(ackOK))
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
	return s.nc.Publish(s.reply, []byte(ackProgress))
}

func (s *settler) Term(reason fault.Reason) error { return s.end(ackTerm + " " + string(reason)) }
