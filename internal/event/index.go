package event

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/cioevents/cioevents/pkg/webhook"
)

// maxID bounds an event id, which becomes a header and a key in the server's
// memory. Customer.io's have 26 characters.
const maxID = 256

// Index fills ID, ObjectType and Metric from the body. An event_id of blanks, of
// other than plain ASCII or of more than 256 bytes counts as absent. After an error, whose
// reason is ParseReason's, ID is the body's digest and the others are empty.
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

// isID reports whether a header carries s as it is. One without the blanks at its
// ends, or with its line breaks made blanks, would be the id of another event, and
// the stream would take one of the two for a duplicate.
func isID(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return s != "" && len(s) <= maxID
}

// Fit cuts the content out of a body of more than limit bytes, and notes so. It
// may still be too large then.
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
