package webhooktest

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strconv"
	"time"

	"github.com/cioevents/cioevents/pkg/webhook"
)

// A writer writes the steps of a plan as JSON. It appends strings instead of using an
// encoder, so that a load test measures the receiver and not this package.
type writer struct {
	*plan
	seed  uint64
	start int64
}

func newWriter(p *plan, seed uint64, start time.Time) *writer {
	return &writer{plan: p, seed: mix(seed), start: start.Unix()}
}

func (w *writer) write(yield func([]byte) bool) {
	for _, s := range w.steps {
		if !yield(w.body(s)) {
			return
		}
	}
}

// The streams of made-up ids. An id of a simulation is a number of a stream.
const (
	eventStream    = 0x2545F4914F6CDD1D
	deliveryStream = 0x9E6C63D0876A9A35
	journeyStream  = 0xD1B54A32D192ED03
	tokenStream    = 0xE7037ED1A0B428DB
	triggerStream  = 0x589965CC75374CC3
)

// body writes the event of a step.
func (w *writer) body(s step) []byte {
	d := w.deliveries[s.delivery]
	m := &w.messages[d.message]
	n := uint64(d.person) //nolint:gosec // never negative
	object := m.ObjectType
	b := append(make([]byte, 0, 640), `{"data":{"customer_id":"`...)
	b = append(w.people.appendID(b, n), `",`...)
	if s.variant == profile {
		object = webhook.Customer
	} else {
		b = w.appendOrigin(b, m, s)
	}
	b = w.people.appendIdentifiers(b, n)
	if s.variant == profile || s.metric == webhook.PreferencesChanged {
		b = append(w.people.appendAddress(append(b, `,"email_address":"`...), n), '"')
	} else {
		b = w.appendRecipient(b, m, d, s.metric)
	}
	b = append(b, w.details(m, s)...)
	b = w.appendULID(append(b, `},"event_id":"`...), s.at, eventNumber(s)^eventStream)
	b = append(append(b, `","object_type":"`...), object...)
	b = append(append(b, `","metric":"`...), s.metric...)
	return append(strconv.AppendInt(append(b, `","timestamp":`...), s.at, 10), '}')
}

// eventNumber returns a number of its own for each event_id of a plan.
func eventNumber(s step) uint64 {
	if s.variant == second {
		s.number-- // the step before is the click
	}
	return stepNumber(s)
}

func stepNumber(s step) uint64 {
	return uint64(s.delivery)<<8 | uint64(s.number) //nolint:gosec // never negative
}

// appendOrigin appends the delivery and its source, as Customer.io's schema has the fields
// of each kind of source.
func (w *writer) appendOrigin(b []byte, m *message, s step) []byte {
	n := uint64(s.delivery) //nolint:gosec // never negative
	b = append(w.appendDeliveryID(append(b, `"delivery_id":"`...), n), `",`...)
	switch m.Source {
	case "newsletter":
		b = append(append(b, `"newsletter_id":`...), m.SourceID...)
		return appendInt(b, `,"content_id":`, m.ContentID)
	case "transactional":
		id := m.SourceID
		if _, err := strconv.Atoi(id); err != nil {
			id = strconv.Quote(id)
		}
		return append(b, `"transactional_message_id":`+id+`,`...)
	case "broadcast":
		b = append(appendInt(b, `"action_id":`, m.ActionID), `"trigger_id":1,"broadcast_id":`...)
	default:
		b = append(appendInt(b, `"action_id":`, m.ActionID), `"campaign_id":`...)
	}
	b = append(append(b, m.SourceID...), ',')
	if m.parent != 0 {
		b = appendInt(b, `"parent_action_id":`, m.parent)
	}
	if m.triggered {
		b = append(w.appendULID(append(b, `"trigger_event_id":"`...), w.start, n^triggerStream), `",`...)
	}
	return append(w.appendULID(append(b, `"journey_id":"`...), w.start, n^journeyStream), `",`...)
}

// appendInt appends a member and a comma.
func appendInt(b []byte, key string, n int64) []byte {
	return append(strconv.AppendInt(append(b, key...), n, 10), ',')
}

// appendRecipient appends where the message went. A push goes to devices, and the open of
// an in-app message has no recipient.
func (w *writer) appendRecipient(b []byte, m *message, d delivery, metric webhook.Metric) []byte {
	n := uint64(d.person) //nolint:gosec // never negative
	switch {
	case m.ObjectType == webhook.Push:
		b = fmt.Appendf(b, `,"recipients":[{"device_id":"device-%06d","device_platform":"%s"`, n, [...]string{"ios", "android"}[n%2])
		if metric == webhook.Bounced || metric == webhook.Dropped {
			b = append(b, `,"failure_message":"Unregistered"`...)
		}
		return append(b, `}]`...)
	case m.ObjectType == webhook.SMS:
		return append(b, `,"recipient":"`+phone(n)+`"`...)
	case m.ObjectType == webhook.InApp && metric == webhook.Opened || metric == webhook.Attempted:
		return b
	case m.ObjectType == webhook.InApp:
		return append(w.people.appendID(append(b, `,"recipient":"`...), n), '"')
	case d.forwarded:
		b = fmt.Appendf(b, `,"recipient":"assistant~%06d@example.org"`, n)
	default:
		b = append(w.people.appendAddress(append(b, `,"recipient":"`...), n), '"')
	}
	return append(append(append(b, `,"subject":"`...), m.subject...), '"')
}

// number returns the n-th number of the simulation. All numbers differ.
func (w *writer) number(n uint64) uint64 { return mix(w.seed ^ n) }

// mix maps each number to a number that looks random: the finaliser of Steele,
// Lea and Flood, "Fast Splittable Pseudorandom Number Generators" (2014).
func mix(z uint64) uint64 {
	z += 0x9E3779B97F4A7C15
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}

// appendULID appends 48 bits of milliseconds and 80 bits that look random, in Crockford's
// base 32.
func (w *writer) appendULID(b []byte, seconds int64, n uint64) []byte {
	const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	number := w.number(n)
	millis := uint64(seconds)*1000 + number%1000 //nolint:gosec // after 1970
	for _, part := range [...]struct {
		bits uint64
		size int
	}{{millis, 10}, {number >> 24, 8}, {number, 8}} {
		for shift := 5 * (part.size - 1); shift >= 0; shift -= 5 {
			b = append(b, alphabet[part.bits>>shift&31])
		}
	}
	return b
}

// appendDeliveryID appends an id that looks like Customer.io's: base64 with the alphabet
// for URLs, which contains - and _, and with padding.
func (w *writer) appendDeliveryID(b []byte, n uint64) []byte {
	var id [17]byte
	number := w.number(n ^ deliveryStream)
	id[0] = 'D'
	binary.BigEndian.PutUint64(id[1:], number)
	binary.BigEndian.PutUint64(id[9:], number*deliveryStream)
	return base64.URLEncoding.AppendEncode(b, id[:])
}
