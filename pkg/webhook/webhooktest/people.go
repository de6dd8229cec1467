package webhooktest

import (
	"fmt"
	"strconv"
	"time"

	"github.com/cioevents/cioevents/pkg/webhook"
)

// people are the names of the persons of a simulation.
type people struct {
	id     string // in front of the number
	local  string // in front of the number, in the e-mail address
	domain func(n uint64) string
}

func (p *people) appendID(b []byte, n uint64) []byte {
	return fmt.Appendf(append(b, p.id...), "%06d", n)
}

func (p *people) appendAddress(b []byte, n uint64) []byte {
	b = fmt.Appendf(append(b, p.local...), "%06d@", n)
	return append(b, p.domain(n)...)
}

func (p *people) appendIdentifiers(b []byte, n uint64) []byte {
	b = p.appendID(append(b, `"identifiers":{"id":"`...), n)
	b = p.appendAddress(append(b, `","email":"`...), n)
	return append(strconv.AppendUint(append(b, `","cio_id":"`...), cioIDs|n, 16), `"}`...)
}

// cioIDs are added to the number of a person: twelve hex digits are the form of
// Customer.io's ids. The ids in Customer.io's documents begin with smaller digits, so that
// a worker with the key of a real account finds nobody.
const cioIDs = 0xffff << 32

// A person has what decides about later messages to the person, as unix seconds; 0 for
// never.
type person struct {
	outAt     int64 // opted out or complained
	backAt    int64 // opted in again
	bouncedAt int64
}

func (p *person) bounced(at int64) bool { return p.bouncedAt != 0 && p.bouncedAt <= at }

// isOut reports whether the person gets no promotional messages at a time.
func (p *person) isOut(at int64) bool {
	out := p.outAt != 0 && p.outAt <= at
	back := p.backAt > p.outAt && p.backAt <= at
	return out && !back
}

// optOut notes that the recipient of the current delivery has opted out or complained.
// Some return.
func (p *planner) optOut(r rates) {
	n := p.person()
	switch {
	case n.outAt == 0, p.at < n.outAt:
		n.outAt = p.at
	case n.backAt != 0 && n.backAt < p.at:
		n.outAt, n.backAt = p.at, 0
	}
	if n.backAt == 0 && p.chance(returning, r.returning) {
		p.wait(3 * time.Hour)
		p.add(webhook.Subscribed, profile)
		n.backAt = p.at
	}
}
