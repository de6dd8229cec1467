package webhooktest

import "github.com/cioevents/cioevents/pkg/webhook"

// facts are what is known about a person.
type facts uint8

const (
	hardBounced facts = 1 << iota
	softBounced
	unknownBounced
	complained
	unsubscribed
	engaged
)

// countPerson counts the person of a step when the step is the first of its kind.
func (c *counter) countPerson(s step) {
	d := c.deliveries[s.delivery]
	if d.forwarded && s.variant != profile && s.metric != webhook.Unsubscribed {
		return
	}
	fact, number := c.fact(s, c.messages[d.message].ObjectType)
	if number == nil || c.people[d.person]&fact != 0 {
		return
	}
	c.people[d.person] |= fact
	*number++
}

func (c *counter) fact(s step, t webhook.ObjectType) (facts, *int) {
	switch {
	case s.metric == webhook.Unsubscribed:
		return unsubscribed, &c.Unsubscribed
	case t != webhook.Email:
		return 0, nil
	case s.metric == webhook.Spammed:
		return complained, &c.Complained
	case s.metric == webhook.Bounced && s.variant == hard:
		return hardBounced, &c.HardBounced
	case s.metric == webhook.Bounced && s.variant == unclear:
		return unknownBounced, &c.UnknownBounced
	case s.metric == webhook.Bounced:
		return softBounced, &c.SoftBounced
	case (s.metric == webhook.Opened || s.metric == webhook.Clicked) && s.variant.human():
		return engaged, &c.Engaged
	}
	return 0, nil
}
