package effect

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/cioevents/cioevents/pkg/webhook"
)

// trackID returns the id by which Customer.io recognises a repeated event. A pair of
// event and rule always has the same id. The id is a ULID of
// 48 bits of the event's time and 80 bits of a hash. trackID takes the time from the
// event and not from occurredAt, which may return the time of the webhook call: a
// repeated call has another time.
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
		millis = uint64(e.OccurredAt.UnixMilli()) // the conversion keeps the bits of a negative number
	}
	return ULID(millis, [10]byte(sum))
}

// ULID returns a ULID of 48 bits of a time in unix milliseconds and 80 bits in place
// of the random part. A ULID has 26 characters of 5 bits each, of which the first two
// bits are zero. Source: https://github.com/ulid/spec.
func ULID(millis uint64, random [10]byte) string {
	high, low := millis<<16|uint64(binary.BigEndian.Uint16(random[:])), binary.BigEndian.Uint64(random[2:])
	const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	var text [26]byte
	for i := len(text) - 1; i >= 0; i-- {
		text[i] = crockford[low&31]
		low = low>>5 | high<<59
		high >>= 5
	}
	return string(text[:])
}
