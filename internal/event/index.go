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

// Index fills ID, ObjectType and Metric from the body. After an error, whose
// reason is ParseReason's, ID is the body's digest and the others are empty.
func (m *Message) Index() error {
	e, err := webhook.ParseEnvelope(m.Body)
	if err != nil {
		m.ID, m.ObjectType, m.Metric = digest(m.Body), "", ""
		return err
	}
	m.ID, m.ObjectType, m.Metric = e.EventID, string(e.ObjectType), string(e.Metric)
	if m.ID == "" || len(m.ID) > maxID {
		m.ID = digest(m.Body)
	}
	return nil
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
