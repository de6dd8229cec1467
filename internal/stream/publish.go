package stream

import (
	"context"
	"fmt"
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
)

// A Publisher publishes messages and waits until the stream has stored them. All
// methods may be called concurrently.
type Publisher struct {
	conn    *Conn
	acks    *acks
	timeout time.Duration
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
// cancelled context prevents further tries, but does not end the current try.
func (p *Publisher) Publish(ctx context.Context, m *event.Message) (duplicate bool, err error) {
	return p.publish(ctx, NewMessage(m), Name)
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

// MaxBody is the size in bytes of the largest body that the stream accepts now.
func (p *Publisher) MaxBody() int {
	limit := p.conn.nc.MaxPayload()
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

func (p *Publisher) send(ctx context.Context, msg *nats.Msg, stream string) (bool, error) {
	deadline := time.Now().Add(p.timeout)
	if d, ok := ctx.Deadline(); ok && d.Before(deadline) {
		deadline = d
	}
	for {
		if !time.Now().Before(deadline) {
			return false, judgeSend(nats.ErrTimeout)
		}
		answer, err := p.acks.request(msg, time.Until(deadline))
		if err != nil {
			return false, judgeSend(err)
		}
		duplicate, wait, err := judgeAnswer(answer, stream)
		if err == nil || wait == 0 || time.Now().Add(wait).After(deadline) {
			return duplicate, err
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return false, err
		}
	}
}
