package effect

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/cioevents/cioevents/pkg/webhook"
)

// trackID returns the id by which Customer.io knows an event that it has
// received already. It is the same whenever the rule meets the event. In the
// form of a ULID it is 48 bits of the event's time and 80 of a hash. The time is
// not the one that is believed: that may be of the call, and a repeated call has
// another.
func trackID(e *webhook.Event, rule string) string {
	hash := sha256.New()
	if e.ID != "" {
		hash.Write([]byte(e.ID))
	} else {
		hash.Write(e.Raw)
	}
	hash.Write([]byte{0})
	hash.Write([]byte(rule))
	sum := hash.Sum(nil)

	var millis uint64
	if !e.OccurredAt.IsZero() {
		millis = uint64(e.OccurredAt.UnixMilli()) // the bits matter, not the number
	}
	return ulid(millis<<16|uint64(binary.BigEndian.Uint16(sum)), binary.BigEndian.Uint64(sum[2:]))
}

// ulid writes 128 bits as https://github.com/ulid/spec does: 26 characters of 5
// bits, the first two of which are zero.
func ulid(high, low uint64) string {
	const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	var text [26]byte
	for i := len(text) - 1; i >= 0; i-- {
		text[i] = crockford[low&31]
		low = low>>5 | high<<59
		high >>= 5
	}
	return string(text[:])
}
