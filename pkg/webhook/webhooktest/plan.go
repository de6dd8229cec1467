package webhooktest

import (
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/cioevents/cioevents/pkg/webhook"
)

// A planner plans the deliveries in the order of sending. at is the time of the last step
// of the current delivery, in unix seconds.
type planner struct {
	plan
	rand    *rand.Rand
	persons []person // by number
	at      int64
	number  uint8
	opened  bool     // the current delivery
	chances *chances // nil outside of a mix
	late    int64    // in a mix: a day before the end, after which nothing becomes certain
}

func newPlanner(seed uint64, deliveries int) *planner {
	return &planner{
		rand: rand.New(rand.NewPCG(seed, 0)),
		plan: plan{deliveries: make([]delivery, 0, deliveries), steps: make([]step, 0, 3*deliveries)},
	}
}

// begin begins a delivery at a time in unix seconds.
func (p *planner) begin(d delivery, at int64) {
	p.deliveries = append(p.deliveries, d)
	p.at, p.number, p.opened = at, 0, false
}

func (p *planner) sorted() *plan {
	slices.SortFunc(p.steps, order)
	return &p.plan
}

// happens is false for the rate 0 without a random number, so that a rate that is 0 in
// one simulation does not change the others.
func (p *planner) happens(rate float64) bool { return rate > 0 && p.rand.Float64() < rate }

// wait advances the time, by the mean on average and by a second at least. Most reactions
// are quick and few are slow; no reaction takes more than a day.
func (p *planner) wait(mean time.Duration) {
	seconds := math.Ceil(p.rand.ExpFloat64() * mean.Seconds())
	p.at += int64(min(seconds, 24*60*60))
}

func (p *planner) add(m webhook.Metric, v variant) {
	d := int32(len(p.deliveries) - 1) //nolint:gosec // below the memory's limit
	p.steps = append(p.steps, step{at: p.at, delivery: d, metric: m, variant: v, number: p.number})
	p.number++
	p.opened = p.opened || m == webhook.Opened
}

func (p *planner) current() delivery { return p.deliveries[len(p.deliveries)-1] }

func (p *planner) person() *person { return &p.persons[p.current().person] }

// send plans a delivery and what follows.
func (p *planner) send(r rates, complains bool) {
	fate := p.rand.Float64()
	if complains {
		fate = 1
	}
	if p.ensure(drop, r.drop, fate < r.drop) || r.mailbox && p.person().bounced(p.at) {
		p.add(webhook.Dropped, plain)
		return
	}
	if p.fails(r) {
		return
	}
	p.add(webhook.Sent, plain)
	if p.ensure(bounce, r.bounce, fate < r.drop+r.bounce) {
		p.wait(5 * time.Second)
		p.bounce(r)
		return
	}
	if !r.undelivered {
		p.deliver(r)
	}
	if p.chance(lateBounce, r.lateBounce) {
		p.wait(time.Minute)
		p.addBounce(hard)
		return
	}
	p.react(r, complains)
}

// fails plans what happens before a message is sent. It returns true if the message is
// never sent.
func (p *planner) fails(r rates) bool {
	switch {
	case p.chance(failure, r.failure):
		p.add(webhook.Failed, plain)
	case p.chance(overLimit, r.failure):
		p.add(webhook.Undeliverable, plain)
	case p.chance(attempt, r.attempt):
		p.add(webhook.Attempted, plain)
		p.wait(time.Minute)
		return false
	default:
		return false
	}
	return true
}

func (p *planner) bounce(r rates) {
	known := r.hard + r.soft + r.blocked
	kind := p.rand.Float64()
	switch {
	case p.ensure(noReason, 1-known, kind >= known):
		p.addBounce(unclear)
	case p.ensure(refusal, r.blocked, kind >= r.hard+r.soft):
		p.addBounce(blocked)
	case kind < r.hard:
		p.addBounce(hard)
	default:
		p.addBounce(soft)
	}
}

// addBounce adds a bounce, after which Customer.io sends no e-mail to the address.
func (p *planner) addBounce(v variant) {
	p.add(webhook.Bounced, v)
	if v == hard && !p.current().forwarded {
		p.person().bouncedAt = p.at
	}
}

// deliver plans the arrival, at once or after temporary failures.
func (p *planner) deliver(r rates) {
	if p.happens(r.deferral) {
		p.wait(time.Second)
		p.add(webhook.Deferred, plain)
		if p.chance(softFirst, r.softFirst) {
			p.wait(time.Minute)
			p.add(webhook.Bounced, soft)
		}
		p.wait(10 * time.Minute)
	}
	p.wait(r.latency)
	p.add(webhook.Delivered, plain)
}
