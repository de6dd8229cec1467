package stream

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/telemetry"
)

// defaultPublishTimeout is 0.5 s less than the 3 s in which ingest must answer. The
// rest is for all other work of ingest.
const defaultPublishTimeout = 2500 * time.Millisecond

// Waits before another try within the timeout.
const (
	// twinRetryWait applies while the stream stores another copy of the event
	// (error 10158).
	twinRetryWait = 50 * time.Millisecond
	// leaderRetryWait applies while the subject has no listener, for example during
	// the election of a leader.
	leaderRetryWait = 250 * time.Millisecond
	// resendWait applies to a message without an answer. A leader that steps down
	// ignores the messages that it has not stored, and a lost connection loses the
	// answers. The wait is a hundred times the usual 7 ms: an overloaded stream gets
	// two messages more for each message at most.
	resendWait = time.Second
)

// longAbsence is the time after which an absent server counts as an outage: messages
// then fail at once. Waiting would only fill MAX_IN_FLIGHT. A restarted server or a move
// to another server takes less.
const longAbsence = 10 * time.Second

// errUnanswered names the usual causes. nats-server 2.15 keeps an error of its disk until
// it is restarted, and answers no message to a stream with such an error.
var errUnanswered = errors.New("no answer in time: the NATS servers are overloaded, lack a leader for the stream, or could not write to their disk; " +
	"/healthz of a server names a write error: make room, then restart the server")

// A Publisher publishes messages and waits until the stream has stored them. All
// methods may be called concurrently.
type Publisher struct {
	conn    *Conn
	acks    *acks
	timeout time.Duration
	// maxPayload is the limit of the last connection.
	maxPayload atomic.Int64
}

// NewPublisher returns a Publisher. timeout bounds the wait for the stream's answer,
// retries included; 0 means 2.5 s.
func NewPublisher(c *Conn, timeout time.Duration) (*Publisher, error) {
	a, err := newAcks(c.nc)
	if err != nil {
		return nil, fmt.Errorf("subscribe to acknowledgements: %w", err)
	}
	if timeout == 0 {
		timeout = defaultPublishTimeout
	}
	return &Publisher{conn: c, acks: a, timeout: timeout}, nil
}

// Publish stores m and reports whether the stream already had the id of m. The error
// is event.ErrStreamFull, event.ErrStoreFull, event.ErrStreamUnavailable, or a permanent fault for a
// message that is too large; after an error, m may be published again. Publish does
// not use the body after the return. The deadline of the context bounds Publish. A
// cancelled context prevents further tries.
//
// Publish waits for a lost connection and for the election of a leader, and tries again
// with the same id after a try without an answer.
func (p *Publisher) Publish(ctx context.Context, m *event.Message) (duplicate bool, err error) {
	e := encodings.Get().(*encoding) //nolint:forcetypeassert,errcheck // the pool contains only encodings
	defer e.release()
	return p.publish(ctx, e.encode(m), Name)
}

// Redrive stores the message of a dead letter again for a single consumer, once for
// all calls with the same key, the StoredDeadLetter.Key of the dead letter. The copy
// gets an id of its own: the stream would refuse the id of the event as a duplicate.
// Without a key, each call stores a copy.
func (p *Publisher) Redrive(ctx context.Context, consumer, key string, m *event.Message) (duplicate bool, err error) {
	msg := NewMessage(m)
	msg.Subject = redriveSubject(consumer, m)
	if key == "" {
		delete(msg.Header, nats.MsgIdHdr)
	} else {
		msg.Header[nats.MsgIdHdr] = []string{"redrive:" + key}
	}
	return p.publish(ctx, msg, Name)
}

// Backfill stores a backfilled event once, which only warehouses read. The caller has
// called CheckBackfill: a stream of an older release has no place for the event. The results
// are those of Publish.
func (p *Publisher) Backfill(ctx context.Context, m *event.Message) (duplicate bool, err error) {
	msg := NewMessage(m)
	msg.Subject = backfillSubject(m)
	return p.publish(ctx, msg, Name)
}

// MaxBody is the size in bytes of the largest body that the stream accepts now.
func (p *Publisher) MaxBody() int {
	if p.acks.up.Load() {
		p.maxPayload.Store(p.conn.nc.MaxPayload())
	}
	limit := p.maxPayload.Load()
	if limit <= 0 { // not connected yet: assume the server's default of 1 MiB
		limit = 1 << 20
	}
	return int(limit) - maxHeaders
}

// Close ends the calls of Publish that still wait, and releases the subscription.
func (p *Publisher) Close() { p.acks.close() }

func (p *Publisher) publish(ctx context.Context, msg *nats.Msg, stream string) (bool, error) {
	if telemetry.Traced(ctx) {
		return p.publishTraced(ctx, msg, stream)
	}
	return p.send(ctx, msg, stream)
}

// send refuses a message for a stream that may lose the message after the
// acknowledgement: the sender still has the message.
func (p *Publisher) send(ctx context.Context, msg *nats.Msg, stream string) (bool, error) {
	if err := p.conn.health.loses(stream); err != nil {
		return false, judgeSend(err)
	}
	now := time.Now()
	deadline := now.Add(p.timeout)
	if d, ok := ctx.Deadline(); ok && d.Before(deadline) {
		deadline = d
	}
	if !now.Before(deadline) {
		return false, judgeSend(errUnanswered)
	}
	w := p.acks.open(msg, deadline, now.Add(resendWait))
	defer waiters.Put(w)
	return p.await(ctx, w, msg, stream)
}

// await publishes msg until a try has an answer that ends the wait. The stream may have
// stored the message of a try without an answer, and then reports a duplicate of the
// next try: of this very message, as far as the caller is concerned.
func (p *Publisher) await(ctx context.Context, w *waiter, msg *nats.Msg, stream string) (bool, error) {
	mayBeStored, cause := false, p.try(w, msg)
	for {
		switch n := <-w.news; {
		case n.msg != nil:
			duplicate, wait, err := judgeAnswer(n.msg, stream)
			if err == nil || wait == 0 || ctx.Err() != nil {
				return duplicate && !mayBeStored, err
			}
			cause = err
			p.acks.again(w, wait)
		case !errors.Is(n.err, errNudge):
			return false, judgeSend(cmp.Or(p.notConnected(), cause, n.err))
		case ctx.Err() != nil:
			p.acks.settle(w.id, news{err: ctx.Err()})
		default:
			mayBeStored = mayBeStored || errors.Is(cause, errUnanswered)
			p.acks.later(w, resendWait)
			cause = p.try(w, msg)
		}
	}
}

// try publishes msg and returns why there is no answer yet. While the connection is away
// try only returns; the waiter is nudged when the connection is back.
func (p *Publisher) try(w *waiter, msg *nats.Msg) error {
	err := p.notConnected()
	if err == nil {
		err = p.conn.nc.PublishMsg(msg)
	}
	switch {
	case err == nil:
		return errUnanswered
	case errors.Is(err, nats.ErrMaxPayload), !w.repeatable, p.acks.away() > longAbsence:
		p.acks.settle(w.id, news{err: err})
	}
	return cmp.Or(p.notConnected(), err)
}

// notConnected returns nil while the connection is up, and never waits for nats.go.
func (p *Publisher) notConnected() error {
	if p.acks.up.Load() {
		return nil
	}
	return p.conn.notConnected()
}
