package stream

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/fault"
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
