package stream

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/fault"
)

// Headers that a dead letter adds to the headers of its message.
const (
	headerID       = "Cio-Id" // the Nats-Msg-Id of the message itself
	headerReason   = "Cio-Reason"
	headerError    = "Cio-Error"
	headerAttempts = "Cio-Attempts"
	headerSubject  = "Cio-Subject"
	headerSequence = "Cio-Sequence"
	headerDiedAt   = "Cio-Died-At"
	headerPart     = "Cio-Part" // "2/3" for the second of three parts of a large body
)

func deadHeader(d *event.DeadLetter) nats.Header {
	msg := NewMessage(&d.Message)
	h := msg.Header
	h[headerID] = h[nats.MsgIdHdr]
	h[nats.MsgIdHdr] = []string{deadID(d)}
	h[headerReason] = []string{string(d.Reason)}
	h[headerError] = []string{cleanText(d.Err)}
	h[headerDiedAt] = []string{formatTime(d.DiedAt)}
	if d.Sequence > 0 {
		h[headerAttempts] = []string{strconv.Itoa(d.Attempts)}
		h[headerSequence] = []string{strconv.FormatUint(d.Sequence, 10)}
	}
	h[headerSubject] = []string{cmp.Or(d.Subject, msg.Subject)}
	return h
}

// deadID de-duplicates the retry of a dead letter's publish, whose confirmation
// was lost. A message that fails again in a replay gets a new id: the first dead
// letter may have been deleted or redriven a moment ago.
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

// cleanText makes the text of an error a valid header value: one line of valid
// UTF-8, at most maxErrorText bytes.
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
