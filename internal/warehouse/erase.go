package warehouse

import (
	"encoding/json"
	"time"
)

// Erase removes a person's data from the row: Personal columns become NULL, and the payload
// keeps the event's id, metric and time. Everything that the views count stays: the ids of
// event, delivery and message, the recipient's domain and mailbox provider.
func (r *Row) Erase(at time.Time) {
	for i := range columns {
		if columns[i].Personal {
			*columns[i].Field(r) = ""
		}
	}
	r.CustomerID, r.EmailAddress, r.Identifiers.Phone, r.Recipients = "", "", "", nil // of no column
	r.Raw, r.ErasedAt = ErasedPayload(r.EventID, string(r.Metric), r.Timestamp), at
}

// ErasedPayload returns the payload of an erased row. An absent metric and an absent time
// have no member.
func ErasedPayload(eventID, metric string, occurred time.Time) []byte {
	p := struct {
		EventID   string `json:"event_id"`
		Metric    string `json:"metric,omitempty"`
		Timestamp int64  `json:"timestamp,omitempty"`
	}{EventID: eventID, Metric: metric}
	if !occurred.IsZero() {
		p.Timestamp = occurred.Unix()
	}
	b, _ := json.Marshal(p) //nolint:errchkjson // never fails: the members are texts and a number
	return b
}
