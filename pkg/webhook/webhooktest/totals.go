package webhooktest

import (
	"github.com/cioevents/cioevents/pkg/webhook"
)

// Totals are the expected numbers of a simulation. A test compares the totals with the
// result of its own code. A number of people counts each person once, whatever the person
// did. What happens to a message at another address than the person's own is not the
// person's; a number of people leaves it out.
type Totals struct {
	Events int
	// Metrics counts the events of each metric. Deliveries counts the deliveries with
	// an event of the metric: a message that is opened twice counts once.
	Metrics    map[webhook.Metric]int
	Deliveries map[webhook.Metric]int
	// Messages has the numbers of each message.
	Messages map[Message]MessageTotals

	MachineOpens  int // events: by machines that Customer.io recognised
	MachineClicks int // events

	HardBounced    int // people with an e-mail that bounced as webhook.BounceHard
	SoftBounced    int // people with an e-mail that bounced as webhook.BounceSoft
	UnknownBounced int // people with an e-mail that bounced as webhook.BounceUnknown
	Complained     int // people, like the following numbers
	Unsubscribed   int
	Engaged        int // people who opened or clicked an e-mail themselves, not only a machine
}

// MessageTotals are the numbers of a message, counted in deliveries. Each delivery has one
// outcome: its last event of delivered, bounced, dropped, failed and undeliverable.
type MessageTotals struct {
	Deliveries int // all
	Sent       int // with a sent event

	Delivered      int // with this outcome, like the following numbers
	HardBounces    int
	SoftBounces    int
	UnknownBounces int
	Failed         int // dropped, failed or undeliverable

	HumanOpens   int // with an open or a click by a person
	HumanClicks  int // with a click by a person
	Conversions  int
	Unsubscribes int
	Complaints   int
	// DeliveredOutsideGmail counts the delivered e-mails to other providers than Gmail,
	// which reports no complaints.
	DeliveredOutsideGmail int
}

// A counter counts the steps of a plan in their order.
type counter struct {
	*plan
	Totals
	pasts  []past  // by delivery
	people []facts // by person
}

func count(p *plan) Totals {
	persons := int32(0)
	for _, d := range p.deliveries {
		persons = max(persons, d.person+1)
	}
	c := counter{plan: p, pasts: make([]past, len(p.deliveries)), people: make([]facts, persons)}
	c.Metrics, c.Deliveries = make(map[webhook.Metric]int), make(map[webhook.Metric]int)
	for _, s := range p.steps {
		c.Events++
		c.Metrics[s.metric]++
		if s.variant != profile {
			c.countDelivery(s)
		}
		c.countMachine(s)
		c.countPerson(s)
	}
	c.Messages = c.countMessages()
	return c.Totals
}

func (c *counter) countMachine(s step) {
	switch {
	case s.variant != machine:
	case s.metric == webhook.Opened:
		c.MachineOpens++
	default:
		c.MachineClicks++
	}
}
