package webhooktest

// A rarity is a rare kind of event that a mix has at least once for each object type.
type rarity uint8

const (
	drop rarity = iota
	attempt
	failure
	overLimit
	bounce
	refusal
	noReason
	lateBounce
	softFirst
	scan
	directClick
	fastClick
	click
	unmarkedClick
	unmarkedOpen
	secondMetric
	conversion
	reply
	unsubscribe
	complaint
	preferences
	account
	leaving
	returning
	forwarding
	rarities
)

// certainAfter is the number of offers after which a rarity of a mix happens for the
// first time at the latest.
const certainAfter = 30

// chances count how often each rarity could have happened, until it happens.
type chances struct {
	offers   [rarities]int
	happened [rarities]bool
}

// chance is happens, with the certainty of ensure.
func (p *planner) chance(k rarity, rate float64) bool { return p.ensure(k, rate, p.happens(rate)) }

// ensure returns hit, or true if a mix has waited for the rarity for long enough: until
// the offer at which the rarity is expected, or the 30th. A small mix then has every kind
// of event, and a large one hardly more events.
func (p *planner) ensure(k rarity, rate float64, hit bool) bool {
	c := p.chances
	if c == nil || rate == 0 || c.happened[k] || p.at > p.late {
		return hit
	}
	c.offers[k]++
	c.happened[k] = hit || c.offers[k] >= certainAfter || float64(c.offers[k])*rate >= 1
	return c.happened[k]
}
