package webhook

import (
	"crypto/sha256"
	"encoding/hex"
)

// maxKey bounds an event id in bytes. Customer.io's ids have 26 characters.
const maxKey = 256

// Key returns what tells the event from others of its workspace: the ID, or for a body
// without a usable event_id the SHA-256 of the body in hex. Customer.io repeats a call with
// the same bytes, so a repeated event has the same key. A few events of different metrics
// have shared an event_id: store an event once by workspace, key and metric.
//
// An event_id is usable if it has at most 256 bytes of printable ASCII without blanks.
// ingest uses the same key.
func (e *Event) Key() string { return key(e.ID, e.Raw) }

// Key is the Key of the Event with the envelope and the body.
func (e Envelope) Key(body []byte) string { return key(e.EventID, body) }

func key(id string, body []byte) string {
	if usable(id) {
		return id
	}
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

// usable reports whether a header carries the id unchanged. A header loses blanks at its
// ends and turns line breaks into blanks. The changed id could be the id of another event.
func usable(id string) bool {
	for i := range len(id) {
		if id[i] <= ' ' || id[i] > '~' {
			return false
		}
	}
	return id != "" && len(id) <= maxKey
}
