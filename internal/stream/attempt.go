package stream

import (
	"context"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/fault"
)

// ackSyncTimeout bounds the wait for the confirmation of acknowledgements. One
// that is lost only costs another attempt.
const ackSyncTimeout = 5 * time.Second

// settler implements event.Settler.
type settler struct{ msg jetstream.Msg }

func newAttempt(msg jetstream.Msg) event.Attempt {
	a := event.Attempt{
		Message: decode(msg.Subject(), msg.Headers(), msg.Data()),
		Number:  1,
		Subject: msg.Subject(),
		Settle:  settler{msg},
	}
	if meta, err := msg.Metadata(); err == nil {
		a.Consumer = meta.Consumer
		a.Number = int(meta.NumDelivered) //nolint:gosec // a count of attempts
		a.Sequence = meta.Sequence.Stream
		a.StoredAt = meta.Timestamp
	}
	return a
}

func (s settler) Ack() error { return s.msg.Ack() }

func (s settler) AckSync() error {
	ctx, cancel := context.WithTimeout(context.Background(), ackSyncTimeout)
	defer cancel()
	return s.msg.DoubleAck(ctx)
}

func (s settler) Retry(wait time.Duration) error { return s.msg.NakWithDelay(wait) }

func (s settler) Extend() error { return s.msg.InProgress() }

func (s settler) Term(reason fault.Reason) error { return s.msg.TermWithReason(string(reason)) }
