package stream

import (
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/cioevents/cioevents/internal/event"
)

// Headers of a message. They are only an index of the body.
const (
	headerReceivedAt  = "Cio-Received-At" // RFC 3339 with nanoseconds
	headerStripped    = "Cio-Stripped"    // fields that were cut out, see event.Message
	headerTraceParent = "traceparent"
)

// maxHeaders is the room that is kept for subject and headers of a message when
// its body is measured against the server's limit. Ours have about 300 bytes; the
// longest of a dead letter, with an error text that is cut to maxErrorText, 2,300.
const (
	maxHeaders   = 3 << 10
	maxErrorText = 1 << 10
)

// messageID is the id for de-duplication: the same event of two workspaces is
// two events.
func messageID(workspace, id string) string { return workspace + ":" + id }

func messageHeader(m *event.Message) nats.Header {
	h := make(nats.Header, 4)
	h[nats.MsgIdHdr] = []string{messageID(m.Workspace, m.ID)}
	h[headerReceivedAt] = []string{formatTime(m.ReceivedAt)}
	if m.Stripped != "" {
		h[headerStripped] = []string{m.Stripped}
	}
	if m.TraceParent != "" {
		h[headerTraceParent] = []string{m.TraceParent}
	}
	return h
}

// NewMessage returns the entry of the stream that carries m: Subject(m) as the
// subject, the headers that the consumers read, and the body as it is. Nothing
// else writes this format.
func NewMessage(m *event.Message) *nats.Msg {
	return &nats.Msg{Subject: Subject(m), Header: messageHeader(m), Data: m.Body}
}

// decode rebuilds a message from an entry of the stream.
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
	}
}

// headerValue reads a header without canonicalising its name: ours are written
// by ourselves.
func headerValue(h nats.Header, name string) string {
	if v := h[name]; len(v) > 0 {
		return v[0]
	}
	return ""
}

func formatTime(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// parseTime returns the zero time for a text that is no time.
func parseTime(s string) time.Time {
	t, _ := time.Parse(time.RFC3339Nano, s)
	return t
}
