package stream

import (
	"cmp"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/fault"
)

// Headers of a message. They are only an index of the body.
const (
	headerReceivedAt  = "Cio-Received-At" // RFC 3339 with nanoseconds
	headerStripped    = "Cio-Stripped"    // fields that were cut out, see event.Message
	headerTraceParent = "traceparent"
)

// Headers of a dead letter beside those of its message.
const (
	headerID       = "Cio-Id" // the message's own Nats-Msg-Id
	headerReason   = "Cio-Reason"
	headerError    = "Cio-Error"
	headerAttempts = "Cio-Attempts"
	headerSubject  = "Cio-Subject"
	headerSequence = "Cio-Sequence"
	headerDiedAt   = "Cio-Died-At"
	headerPart     = "Cio-Part" // "2/3" of a body that one message cannot hold
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

func deadHeader(d *event.DeadLetter) nats.Header {
	h := messageHeader(&d.Message)
	h[headerID] = h[nats.MsgIdHdr]
	h[nats.MsgIdHdr] = []string{deadID(d)}
	h[headerReason] = []string{string(d.Reason)}
	h[headerError] = []string{cleanText(d.Err)}
	h[headerDiedAt] = []string{formatTime(d.DiedAt)}
	if d.Sequence > 0 {
		h[headerAttempts] = []string{strconv.Itoa(d.Attempts)}
		h[headerSequence] = []string{strconv.FormatUint(d.Sequence, 10)}
	}
	subject := d.Subject
	if subject == "" {
		subject = Subject(&d.Message)
	}
	h[headerSubject] = []string{subject}
	return h
}

// deadID makes a dead letter that is written twice, because its confirmation
// was lost, one dead letter. Of one that dies again in a replay it makes another:
// the first may have been dropped or redriven a moment ago.
func deadID(d *event.DeadLetter) string {
	if d.Sequence > 0 {
		return cmp.Or(d.Consumer, d.From) + ":" + strconv.FormatUint(d.Sequence, 10)
	}
	return d.From + ":" + messageID(d.Workspace, d.ID)
}

func decodeDead(subject string, h nats.Header, body []byte) event.DeadLetter {
	original := headerValue(h, headerSubject)
	from, _, _ := strings.Cut(strings.TrimPrefix(subject, deadPrefix), ".")
	attempts, _ := strconv.Atoi(headerValue(h, headerAttempts))
	sequence, _ := strconv.ParseUint(headerValue(h, headerSequence), 10, 64)
	return event.DeadLetter{
		Message:  decode(original, h, body),
		From:     from,
		Reason:   fault.Reason(headerValue(h, headerReason)),
		Err:      headerValue(h, headerError),
		Attempts: attempts,
		Subject:  original,
		Sequence: sequence,
		DiedAt:   parseTime(headerValue(h, headerDiedAt)),
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
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}
	}
	return t
}

// cleanText makes an error's text fit for a header: one line, bounded.
func cleanText(s string) string {
	if len(s) > maxErrorText {
		s = s[:maxErrorText]
	}
	return strings.ToValidUTF8(strings.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}, s), "?")
}
