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
	return ULID(millis, [10]byte(sum))
}

// ULID writes 48 bits of a time in milliseconds, and 80 bits in place of chance, as https://github.com/ulid/spec does: 26 characters of 5
// bits, the first two of which are zero.
func ULID(millis uint64, chance [10]byte) string {
	high, low := millis<<16|uint64(binary.BigEndian.Uint16(chance[:])), binary.BigEndian.Uint64(chance[2:])
	const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	var text [26]byte
	for i := len(text) - 1; i >= 0; i-- {
		text[i] = crockford[low&31]
		low = low>>5 | high<<59
		high >>= 5
	}
	return string(text[:])
}
