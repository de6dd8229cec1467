package stream

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/fault"
)

// Headers that a dead letter adds to the headers of its message.
const (
	headerReason   = "Cio-Reason"
	headerError    = "Cio-Error"
	headerAttempts = "Cio-Attempts"
	headerSubject  = "Cio-Subject"
	headerSequence = "Cio-Sequence"
	headerDiedAt   = "Cio-Died-At"
	headerStoredAt = "Cio-Stored-At" // only for a message of the stream; c826c92 wrote none
	headerPart     = "Cio-Part"      // "2/3" for the second of three parts of a large body
)

func deadHeader(d *event.DeadLetter) nats.Header {
	msg := NewMessage(&d.Message)
	h := msg.Header
	h[nats.MsgIdHdr] = []string{deadID(d, headerValue(h, nats.MsgIdHdr))}
	h[headerReason] = []string{string(d.Reason)}
	h[headerError] = []string{cleanText(d.Err)}
	h[headerDiedAt] = []string{formatTime(d.DiedAt)}
	if d.Sequence > 0 {
		h[headerAttempts] = []string{strconv.Itoa(d.Attempts)}
		h[headerSequence] = []string{strconv.FormatUint(d.Sequence, 10)}
	}
	if !d.StoredAt.IsZero() {
		h[headerStoredAt] = []string{formatTime(d.StoredAt)}
	}
	h[headerSubject] = []string{cmp.Or(d.Subject, msg.Subject)}
	return h
}

// deadID is the id of a dead letter for de-duplication, made of identity, the event's
// own id. The stream must refuse a dead letter that is stored again because its
// confirmation was lost, and no other dead letter.
//
// The id therefore contains the consumer, so that a message that fails again in a
// replay is another dead letter: the first dead letter may have been deleted a moment
// ago. The id also contains the time at which the stream stored the message, because
// an event can be stored twice, and redriven. A sequence instead of the time would
// start at 1 again in a recreated stream, and two events would get the same id. DiedAt
// would differ between two tries to store the same dead letter.
//
// A call that ingest could not store has no such time, but has a digest of its body. A
// repeat of the call is the same dead letter; another body never is.
func deadID(d *event.DeadLetter, identity string) string {
	if d.StoredAt.IsZero() {
		sum := sha256.Sum256(d.Body)
		return d.From + ":" + identity + ":" + hex.EncodeToString(sum[:16])
	}
	return cmp.Or(d.Consumer, d.From) + ":" + identity + ":" + strconv.FormatInt(d.StoredAt.UnixNano(), 10)
}

// deadKey is event.StoredDeadLetter.Key of an entry with the de-duplication id of the
// whole dead letter. Before 0.1.0 the id contained a sequence, which repeats in a
// recreated stream; deadKey therefore appends DiedAt to an old id.
func deadKey(d *event.DeadLetter, id string) string {
	if id == "" || d.From == event.FromIngest || !d.StoredAt.IsZero() {
		return id
	}
	return id + ":" + strconv.FormatInt(d.DiedAt.UnixNano(), 10)
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
		StoredAt: parseTime(headerValue(h, headerStoredAt)),
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
