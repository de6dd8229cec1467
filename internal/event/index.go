package event

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/cioevents/cioevents/pkg/webhook"
)

// maxID bounds an event id in bytes. The id becomes a header and a key in the
// server's memory. Customer.io's ids have 26 characters.
const maxID = 256

// Index fills ID, ObjectType and Metric from the body. An event_id counts as absent
// when it is empty, longer than 256 bytes, or contains blanks or anything but
// printable ASCII. After an error, ID is the digest of the body, ObjectType and
// Metric are empty, and ParseReason turns the error into a reason.
func (m *Message) Index() error {
	e, err := webhook.ParseEnvelope(m.Body)
	if err != nil {
		m.ID, m.ObjectType, m.Metric = digest(m.Body), "", ""
		return err
	}
	m.ID, m.ObjectType, m.Metric = e.EventID, string(e.ObjectType), string(e.Metric)
	if !isID(m.ID) {
		m.ID = digest(m.Body)
	}
	return nil
}

// isID reports whether a header carries s unchanged. A header loses blanks at its
// ends and turns line breaks into blanks. The changed id could be the id of another
// event, and the stream would refuse one of the two events as a duplicate.
func isID(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return s != "" && len(s) <= maxID
}

// Fit cuts the content out of a body of more than limit bytes, and lists the cut
// fields in Stripped. The body may still be larger than limit afterwards.
func (m *Message) Fit(limit int) {
	if len(m.Body) <= limit {
		return
	}
	body, fields := webhook.Strip(m.Body)
	m.Body, m.Stripped = body, strings.Join(fields, ",")
}

func digest(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}
