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

// defaultPublishTimeout leaves 0.5 s of the 3 s in which ingest must answer for
// everything but the stream.
const defaultPublishTimeout = 2500 * time.Millisecond

// Waits before another try within the timeout.
const (
	// The twinRetryWait: another copy of the event is being stored (10158).
	twinRetryWait = 50 * time.Millisecond
	// The leaderRetryWait: nobody listens on the subject, as during an election.
	leaderRetryWait = 250 * time.Millisecond
)

// Error codes of JetStream, from nats-server's errors.json.
const (
	codeInsufficientResources = 10023
	codeStorage               = 10047
	codeMessageTooLarge       = 10054
	codeStreamFull            = 10077
	codeTwinInFlight          = 10158
)

// A Publisher puts messages into the stream and waits until they are stored.
// Its methods may be called concurrently.
type Publisher struct {
	conn    *Conn
	acks    *acks
	timeout time.Duration
}

// NewPublisher returns a publisher that waits for an answer as long as timeout,
// defaultPublishTimeout when it is 0.
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

// Publish stores m and reports whether the stream had its id already. After an
// error, which is event.ErrStreamFull, event.ErrStreamUnavailable or a
// permanent fault for a message that is too large, m may be published again.
// The body is not used after the return. A deadline of the context counts; one
// that is cancelled stops further tries, not the one under way.
func (p *Publisher) Publish(ctx context.Context, m *event.Message) (duplicate bool, err error) {
	return p.publish(ctx, NewMessage(m), Name)
}

// Redrive stores m again for one consumer alone, under an id of its own: the
// event's id would be refused as a duplicate.
func (p *Publisher) Redrive(ctx context.Context, consumer string, sequence uint64, m *event.Message) (duplicate bool, err error) {
	msg := NewMessage(m)
	msg.Subject = redriveSubject(consumer, m)
	msg.Header[headerID] = msg.Header[nats.MsgIdHdr]
	msg.Header[nats.MsgIdHdr] = []string{fmt.Sprintf("redrive:%s:%d", consumer, sequence)}
	return p.publish(ctx, msg, Name)
}

// MaxBody is the size of the largest body that the stream takes now.
func (p *Publisher) MaxBody() int {
	limit := p.conn.nc.MaxPayload()
	if limit <= 0 { // not connected yet: the server's default
		limit = 1 << 20
	}
	return int(limit) - maxHeaders
}

// Close ends the publishing that is under way, and gives everything back.
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

// judgeAnswer reads the stream's answer. A wait above 0 asks for another try
// with the same id.
func judgeAnswer(answer *nats.Msg, stream string) (duplicate bool, wait time.Duration, err error) {
	// The usual answer is {"stream":"CUSTOMERIO","seq":42}.
	if bytes.HasPrefix(answer.Data, []byte(`{"stream":"`+stream+`"`)) && !bytes.Contains(answer.Data, []byte("duplicate")) {
		return false, 0, nil
	}
	if len(answer.Data) == 0 { // the server's status "no responders"
		return false, leaderRetryWait, fmt.Errorf("%w: nobody answers for stream %s", event.ErrStreamUnavailable, stream)
	}
	var a struct {
		jetstream.PubAck
		Error *jetstream.APIError `json:"error"`
	}
	switch err := json.Unmarshal(answer.Data, &a); {
	case err != nil:
		return false, 0, fmt.Errorf("%w: read its answer: %w", event.ErrStreamUnavailable, err)
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
