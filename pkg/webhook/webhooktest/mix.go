package webhooktest

import (
	"cmp"
	"iter"
	"slices"
	"time"

	"github.com/cioevents/cioevents/pkg/webhook"
)

// A Mix simulates the messages of a company during MixDuration: campaigns, newsletters, a
// broadcast and transactional messages by e-mail, push, SMS and in-app message, to people
// at several mailbox providers. Names has the names of the sources. Equal mixes make equal
// events, byte for byte.
//
// A mix of 2,000 deliveries lacks a kind of event for hardly any seed, and for none of the
// seeds 0 to 9. A mix has the events that a receiver may count wrongly: opens and clicks by
// machines, clicks without an open, opens that Customer.io infers from a click, such opens
// with the event_id of the click, soft bounces before the delivery and bounces after,
// messages to another address than the person's, links that differ between people, and
// opt-outs with and without a message. Nobody gets a promotional message after opting out.
//
// No address, phone number or id of the people can be a real one.
type Mix struct {
	// Seed determines the events and their ids: mixes with another Seed share no event
	// id and no delivery id, but share people.
	Seed uint64
	// Deliveries is the number of messages. A person gets about four. The people are
	// simulated-000000, simulated-000001 and so on.
	Deliveries int
	// Start is the earliest time of a message. Default 2025-09-01 at 09:00 UTC.
	Start time.Time
}

// MixDuration is the time from the start of a Mix to the last event at the latest.
// Reactions that would come later do not occur.
const MixDuration = 6 * 24 * time.Hour

// Events yields the bodies of the events in the order of their times. The caller may
// keep and change each body. Events plans the whole mix before the first body, at
// 40 bytes per event.
func (m Mix) Events() iter.Seq[[]byte] {
	m.Start = cmp.Or(m.Start, defaultStart)
	return func(yield func([]byte) bool) { newWriter(m.plan(), mix(m.Seed^mixStream), m.Start).write(yield) }
}

// Totals counts the events of the mix without writing their bodies.
func (m Mix) Totals() Totals {
	m.Start = cmp.Or(m.Start, defaultStart)
	return count(m.plan())
}

const mixStream = 0xA0761D6478BD642F

func (m Mix) plan() *plan {
	m.Deliveries = max(m.Deliveries, 0)
	p := newPlanner(m.Seed, m.Deliveries)
	end := m.Start.Add(MixDuration).Unix()
	p.messages, p.late = messages(), end-24*60*60
	p.people = people{id: "simulated-", local: "simulated~", domain: domainOf}
	p.persons = make([]person, m.Deliveries/4+10)
	kinds := map[webhook.ObjectType]*chances{webhook.Email: {}, webhook.Push: {}, webhook.SMS: {}, webhook.InApp: {}}
	turns := make([]turn, len(catalogue))
	for i := range turns {
		turns[i].next = p.rand.Uint64() >> 8
	}
	for _, s := range p.schedule(m) {
		m := &p.messages[s.message]
		p.chances = kinds[m.ObjectType]
		p.sendTo(&turns[m.source], s)
	}
	p.steps = slices.DeleteFunc(p.steps, func(s step) bool { return s.at > end })
	return p.sorted()
}

// A sending is a message at a time.
type sending struct {
	at      int64
	message int32
}

// schedule returns the times of all messages in their order.
func (p *planner) schedule(m Mix) []sending {
	list := make([]sending, m.Deliveries)
	for i := range list {
		n := p.pick()
		from, length := p.messages[n].burst, sendingTime
		if from == 0 {
			length = MixDuration
		}
		after := from + time.Duration(p.rand.Int64N(int64(length)))
		list[i] = sending{m.Start.Add(after).Unix(), n}
	}
	slices.SortStableFunc(list, func(a, b sending) int { return cmp.Compare(a.at, b.at) })
	return list
}

// pick returns the index of a message by the shares of the messages.
func (p *planner) pick() int32 {
	left := p.rand.IntN(100)
	for i := range p.messages {
		if left -= p.messages[i].share; left < 0 {
			return int32(i)
		}
	}
	return 0
}

// A turn tells whose turn it is to get a message of a source.
type turn struct{ next uint64 }

// of returns the next person. Everybody has a turn before anybody has a second: the step
// is a prime that is larger than any number of people.
func (t *turn) of(people int) int32 {
	t.next += 2_147_483_647
	return int32(t.next % uint64(people)) //nolint:gosec // below people
}

// sendTo plans the message to the next person who has not opted out.
func (p *planner) sendTo(t *turn, s sending) {
	d := delivery{message: s.message, person: t.of(len(p.persons))}
	m := &p.messages[s.message]
	for range p.persons {
		if !m.promotional || !p.persons[d.person].isOut(s.at) {
			break
		}
		d.person = t.of(len(p.persons))
	}
	provider, _ := mailboxOf(uint64(d.person)) //nolint:gosec // never negative
	r := ratesOf(m, provider)
	if r.mailbox && p.chance(forwarding, 0.01) {
		d.forwarded, r = true, ratesOf(m, elsewhere)
	}
	p.begin(d, s.at)
	p.send(r, false)
}
