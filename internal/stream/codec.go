package stream

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/cioevents/cioevents/internal/event"
)

// Headers of a message. The headers are only an index of the body.
const (
	headerID          = "Cio-Id"          // workspace and event id; see messageID
	headerReceivedAt  = "Cio-Received-At" // RFC 3339 with nanoseconds
	headerStripped    = "Cio-Stripped"    // event.Message.Stripped
	headerTraceParent = "traceparent"
	headerReleased    = "Cio-Released" // event.Message.Released; counts on redrive subjects only
)

// maxHeaders is the space in bytes that MaxBody reserves, within the server's limit,
// for the subject and the headers of a message. An event needs about 300 bytes. A
// dead letter needs at most 2,300, with its error text cut to maxErrorText.
const (
	maxHeaders   = 3 << 10
	maxErrorText = 1 << 10
)

// messageID returns the id for de-duplication, workspace:event_id:metric, and the
// beginning of the id without the metric, which is the value of headerID. The id
// contains the workspace because the same event_id in two workspaces names two events,
// and the metric because Customer.io's own examples of several metrics share an
// event_id. Programs of c826c92 had no metric in the id, and no headerID: they read
// headerID first, and so find the event id in a message of today.
//
// The metric has no colon, so that an id with a colon does not look like an id and a
// metric. A message without a metric ends with the colon.
func messageID(m *event.Message) (id, withoutMetric string) {
	id = m.Workspace + ":" + m.ID + ":" + headerMetric(m.Metric)
	return id, id[:len(m.Workspace)+1+len(m.ID)]
}

// headerMetric returns the metric, or the digest of a metric that a header does not
// carry unchanged. An underscore for an odd character would make two metrics equal, and
// the stream would refuse one of two events.
func headerMetric(metric string) string {
	if len(metric) <= maxToken && strings.IndexFunc(metric, isOddInHeader) < 0 {
		return metric
	}
	sum := sha256.Sum256([]byte(metric))
	return hex.EncodeToString(sum[:])
}

func isOddInHeader(r rune) bool { return r <= ' ' || r > '~' || r == ':' }

// NewMessage encodes m for the stream: Subject(m) as the subject, the headers that
// consumers read, and the unchanged body. No other function writes this format.
func NewMessage(m *event.Message) *nats.Msg { return newEncoding().encode(m) }

// An encoding is a message of the stream, and the values of the headers that each message
// has.
type encoding struct {
	nats.Msg
	values [3]string
}

func newEncoding() *encoding {
	e := &encoding{Msg: nats.Msg{Header: make(nats.Header, 5)}}
	for i, name := range [...]string{nats.MsgIdHdr, headerID, headerReceivedAt} {
		e.Header[name] = e.values[i : i+1 : i+1]
	}
	return e
}

func (e *encoding) encode(m *event.Message) *nats.Msg {
	id, withoutMetric := messageID(m)
	e.values = [...]string{id, withoutMetric, formatTime(m.ReceivedAt)}
	if m.Stripped != "" {
		e.Header[headerStripped] = []string{m.Stripped}
	}
	if m.TraceParent != "" {
		e.Header[headerTraceParent] = []string{m.TraceParent}
	}
	if m.Released {
		e.Header[headerReleased] = []string{"1"}
	}
	e.Subject, e.Data = Subject(m), m.Body
	return &e.Msg
}

// encodings are those of Publish: a new one is a seventh of the memory that a call of ingest
// takes.
var encodings = sync.Pool{New: func() any { return newEncoding() }}

// release lets another message use e, unless e has headers of its own.
func (e *encoding) release() {
	if len(e.Header) == len(e.values) {
		e.Data = nil
		encodings.Put(e)
	}
}

// decode is the reverse of NewMessage. It also reads dead letters and redriven
// messages, which have an id of their own for de-duplication. A message of c826c92 has
// no headerID, and a de-duplication id without the metric.
func decode(subject string, h nats.Header, body []byte) event.Message {
	workspace, objectType, metric := parseSubject(subject)
	id := headerValue(h, headerID)
	if id == "" {
		id = headerValue(h, nats.MsgIdHdr)
	}
	return event.Message{
		Workspace:   workspace,
		ID:          strings.TrimPrefix(id, workspace+":"),
		ObjectType:  objectType,
		Metric:      metric,
		ReceivedAt:  parseTime(headerValue(h, headerReceivedAt)),
		Body:        body,
		Stripped:    headerValue(h, headerStripped),
		TraceParent: headerValue(h, headerTraceParent),
		// Only an operator may publish to a redrive subject; ingest, for example, may
		// publish events with any header.
		Released: headerValue(h, headerReleased) != "" && strings.HasPrefix(subject, redrivePrefix),
	}
}

// headerValue reads a header without canonicalising the name: NewMessage writes the
// names exactly as they are read.
func headerValue(h nats.Header, name string) string {
	if v := h[name]; len(v) > 0 {
		return v[0]
	}
	return ""
}

func formatTime(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// parseTime returns the zero time when s is not in RFC 3339.
func parseTime(s string) time.Time {
	t, _ := time.Parse(time.RFC3339Nano, s)
	return t
}
