package stream

import (
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/cioevents/cioevents/internal/event"
)

// Headers of a message. The headers are only an index of the body.
const (
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

// messageID is the id for de-duplication. The id contains the workspace because the
// same event_id in two workspaces names two events.
func messageID(workspace, id string) string { return workspace + ":" + id }

// NewMessage encodes m for the stream: Subject(m) as the subject, the headers that
// consumers read, and the unchanged body. No other function writes this format.
func NewMessage(m *event.Message) *nats.Msg {
	h := make(nats.Header, 4)
	h[nats.MsgIdHdr] = []string{messageID(m.Workspace, m.ID)}
	h[headerReceivedAt] = []string{formatTime(m.ReceivedAt)}
	if m.Stripped != "" {
		h[headerStripped] = []string{m.Stripped}
	}
	if m.TraceParent != "" {
		h[headerTraceParent] = []string{m.TraceParent}
	}
	if m.Released {
		h[headerReleased] = []string{"1"}
	}
	return &nats.Msg{Subject: Subject(m), Header: h, Data: m.Body}
}

// decode is the reverse of NewMessage. It also reads dead letters and redriven
// messages, whose own id is in headerID.
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
