package stream

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/fault"
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

// Error codes of JetStream, from errors.json of nats-server.
const (
	codeInsufficientResources = 10023
	codeStorage               = 10047
	codeMessageTooLarge       = 10054
	codeStreamFull            = 10077
	codeTwinInFlight          = 10158
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
// is event.ErrStreamFull, event.ErrStreamUnavailable, or a permanent fault for a
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

func judgeSend(err error) error {
	if errors.Is(err, nats.ErrMaxPayload) {
		return fault.Permanent(fault.ReasonTooLarge, err)
	}
	return fmt.Errorf("%w: %w", event.ErrStreamUnavailable, err)
}

// judgeAnswer decodes the stream's answer. A wait above 0 asks for another try with
// the same id.
func judgeAnswer(answer *nats.Msg, stream string) (duplicate bool, wait time.Duration, err error) {
	// The usual answer is {"stream":"CUSTOMERIO","seq":42}.
	if bytes.HasPrefix(answer.Data, []byte(`{"stream":"`+stream+`"`)) && !bytes.Contains(answer.Data, []byte("duplicate")) {
		return false, 0, nil
	}
	if len(answer.Data) == 0 { // the status "no responders" of the server
		return false, leaderRetryWait, fmt.Errorf("%w: no server answers for stream %s", event.ErrStreamUnavailable, stream)
	}
	var a struct {
		jetstream.PubAck
		Error *jetstream.APIError `json:"error"`
	}
	switch err := json.Unmarshal(answer.Data, &a); {
	case err != nil:
		return false, 0, fmt.Errorf("%w: decode the answer: %w", event.ErrStreamUnavailable, err)
	case a.Error != nil:
		wait, err := judgeAPIError(a.Error)
		return false, wait, err
	case a.Stream != stream:
		return false, 0, fmt.Errorf("%w: the subject belongs to stream %q", event.ErrStreamUnavailable, a.Stream)
	}
	return a.Duplicate, 0, nil
}

func judgeAPIError(e *jetstream.APIError) (wait time.Duration, err error) {
	switch e.ErrorCode {
	case codeTwinInFlight:
		return twinRetryWait, fmt.Errorf("%w: %w", event.ErrStreamUnavailable, e)
	case codeStreamFull, codeInsufficientResources, codeStorage:
		return 0, fmt.Errorf("%w: %w", event.ErrStreamFull, e)
	case codeMessageTooLarge:
		return 0, fault.Permanent(fault.ReasonTooLarge, e)
	default:
		return 0, fmt.Errorf("%w: %w", event.ErrStreamUnavailable, e)
	}
}
