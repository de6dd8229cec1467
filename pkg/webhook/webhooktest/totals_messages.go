package webhooktest

import (
	"github.com/cioevents/cioevents/pkg/webhook"
)

// A past is what has happened to a delivery.
type past struct {
	metrics        uint32 // a bit for each of webhook.Metrics
	opened         bool   // by a person, like clicked
	clicked        bool
	outcome        webhook.Metric
	outcomeVariant variant
}

var bits = func() map[webhook.Metric]uint32 {
	m := make(map[webhook.Metric]uint32)
	for i, metric := range webhook.Metrics() {
		m[metric] = 1 << i
	}
	return m
}()

func (p *past) has(m webhook.Metric) bool { return p.metrics&bits[m] != 0 }

// countDelivery counts a delivery at its first step of a metric, and notes the step.
func (c *counter) countDelivery(s step) {
	p := &c.pasts[s.delivery]
	if !p.has(s.metric) {
		c.Deliveries[s.metric]++
		p.metrics |= bits[s.metric]
	}
	switch s.metric {
	case webhook.Delivered, webhook.Bounced, webhook.Dropped, webhook.Failed, webhook.Undeliverable:
		p.outcome, p.outcomeVariant = s.metric, s.variant
	case webhook.Opened:
		p.opened = p.opened || s.variant.human()
	case webhook.Clicked:
		p.clicked = p.clicked || s.variant.human()
	default: // neither an outcome nor a reaction
	}
}

func (c *counter) countMessages() map[Message]MessageTotals {
	totals := make([]MessageTotals, len(c.messages))
	for i := range c.pasts {
		if p, d := &c.pasts[i], c.deliveries[i]; p.metrics != 0 {
			t := &totals[d.message]
			t.count(p)
			if p.outcome == webhook.Delivered && c.messages[d.message].ObjectType == webhook.Email && !c.isGmail(d) {
				t.DeliveredOutsideGmail++
			}
		}
	}
	byKey := make(map[Message]MessageTotals)
	for i, t := range totals {
		if t.Deliveries > 0 {
			byKey[c.messages[i].Message] = t
		}
	}
	return byKey
}

func (c *counter) isGmail(d delivery) bool {
	return !d.forwarded && c.plan.people.domain(uint64(d.person)) == "gmail.com" //nolint:gosec // never negative
}

func (t *MessageTotals) count(p *past) {
	t.Deliveries++
	for _, n := range []struct {
		number *int
		counts bool
	}{
		{&t.Sent, p.has(webhook.Sent)},
		{t.outcome(p), p.outcome != ""},
		{&t.HumanOpens, p.opened || p.clicked},
		{&t.HumanClicks, p.clicked},
		{&t.Conversions, p.has(webhook.Converted)},
		{&t.Unsubscribes, p.has(webhook.Unsubscribed)},
		{&t.Complaints, p.has(webhook.Spammed)},
	} {
		if n.counts {
			*n.number++
		}
	}
}

// outcome returns the number that counts the outcome.
func (t *MessageTotals) outcome(p *past) *int {
	switch {
	case p.outcome == webhook.Delivered:
		return &t.Delivered
	case p.outcome != webhook.Bounced:
		return &t.Failed
	case p.outcomeVariant == hard:
		return &t.HardBounces
	case p.outcomeVariant == unclear:
		return &t.UnknownBounces
	default:
		return &t.SoftBounces
	}
}
