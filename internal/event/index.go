package event

import (
	"strings"

	"github.com/cioevents/cioevents/pkg/webhook"
)

// Index fills ID, ObjectType and Metric from the body. ID is webhook.Event.Key. After an
// error ID is the digest of the body, ObjectType and Metric are empty, and ParseReason
// turns the error into a reason.
func (m *Message) Index() error {
	e, err := webhook.ParseEnvelope(m.Body)
	m.ID, m.ObjectType, m.Metric = e.Key(m.Body), string(e.ObjectType), string(e.Metric)
	return err
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
