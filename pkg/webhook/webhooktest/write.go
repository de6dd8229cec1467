package webhooktest

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"

	"github.com/cioevents/cioevents/pkg/webhook"
)

// A writer writes steps as JSON. It appends strings instead of using an encoder, so that
// a load test measures the receiver and not this package.
type writer struct {
	seed     uint64
	campaign int64
	start    int64
}

func newWriter(c Campaign) writer {
	return writer{
		seed:     mix(mix(c.Seed) ^ uint64(c.CampaignID)), //nolint:gosec // any bits will do
		campaign: c.CampaignID,
		start:    c.Start.Unix(),
	}
}

// The streams of made-up ids. An id of a campaign is a number of a stream.
const (
	eventStream    = 0x2545F4914F6CDD1D
	deliveryStream = 0x9E6C63D0876A9A35
	journeyStream  = 0xD1B54A32D192ED03
)

// cioIDs are added to the number of a person: twelve hex digits are the form of
// Customer.io's ids.
const cioIDs = 0xd9c1 << 32

// body writes the event of the step with this index in the plan.
func (w *writer) body(index uint64, s step) []byte {
	n := uint64(s.delivery) //nolint:gosec // never negative
	return fmt.Appendf(make([]byte, 0, 640), `{"data":{"customer_id":"%[1]s","delivery_id":"%[2]s",`+
		`"action_id":%[3]d1,"campaign_id":%[3]d,"parent_action_id":%[3]d0,"journey_id":"%[4]s",`+
		`"identifiers":{"id":"%[1]s","email":"%[1]s@example.com","cio_id":"%[5]x"},"recipient":"%[1]s@example.com",`+
		`"subject":"What is new this month – and what comes next"%[6]s},`+
		`"event_id":"%[7]s","object_type":"email","metric":"%[8]s","timestamp":%[9]d}`,
		fmt.Sprintf("person-%06d", n), w.deliveryID(n), w.campaign, w.ulid(w.start, n^journeyStream), cioIDs|n,
		w.details(index, s), w.ulid(s.at, index^eventStream), s.metric, s.at)
}

var links = [...]string{
	`,"href":"https://example.com/new?utm_source=mail&utm_campaign=monthly","link_id":1`,
	`,"href":"https://example.com/new?utm_source=mail&utm_campaign=monthly","link_id":1`,
	`,"href":"https://example.com/blog/what-comes-next","link_id":2`,
	`,"href":"https://example.com/account#settings","link_id":3`,
}

// details returns the members that depend on the metric and the variant.
func (w *writer) details(index uint64, s step) string {
	switch {
	case s.metric == webhook.Dropped:
		return `,"failure_message":"Suppressed"`
	case s.metric == webhook.Deferred:
		return `,"failure_message":"421 4.7.0 Try again later"`
	case s.variant == hard:
		return `,"failure_message":"550 5.1.1 The email account that you tried to reach does not exist"`
	case s.variant == soft:
		return `,"failure_message":"452 4.2.2 The email account that you tried to reach is over quota"`
	case s.variant == unclear:
		return `,"failure_message":"The receiving server did not say why"`
	case s.metric == webhook.Opened && s.variant == machine:
		return `,"proxied":true,"prefetched":true`
	case s.metric == webhook.Opened:
		return `,"proxied":false,"prefetched":false`
	case s.metric == webhook.Clicked:
		link := links[w.number(index)%uint64(len(links))]
		if s.variant == machine {
			return link + `,"machine":true`
		}
		return link + `,"machine":false`
	}
	return ""
}

// number returns the n-th number of the campaign. All numbers differ.
func (w *writer) number(n uint64) uint64 { return mix(w.seed ^ n) }

// mix maps each number to a number that looks random: the finaliser of Steele,
// Lea and Flood, "Fast Splittable Pseudorandom Number Generators" (2014).
func mix(z uint64) uint64 {
	z += 0x9E3779B97F4A7C15
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}

// ulid returns 48 bits of milliseconds and 80 bits that look random, in Crockford's
// base 32.
func (w *writer) ulid(seconds int64, n uint64) []byte {
	const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	number := w.number(n)
	millis := uint64(seconds)*1000 + number%1000 //nolint:gosec // after 1970
	b := make([]byte, 0, 26)
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

// deliveryID returns an id that looks like Customer.io's: base64 with the alphabet
// for URLs, which contains - and _, and with padding.
func (w *writer) deliveryID(n uint64) string {
	var id [17]byte
	number := w.number(n ^ deliveryStream)
	id[0] = 'D'
	binary.BigEndian.PutUint64(id[1:], number)
	binary.BigEndian.PutUint64(id[9:], number*deliveryStream)
	return base64.URLEncoding.EncodeToString(id[:])
}
