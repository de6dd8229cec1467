package webhooktest

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/cioevents/cioevents/pkg/webhook"
)

// A step is an event of a delivery.
type step struct {
	at       int64 // unix seconds
	delivery int
	metric   webhook.Metric
	variant  variant
}

// A variant distinguishes steps with the same metric.
type variant uint8

const (
	plain   variant = iota
	hard            // bounced
	soft            // bounced
	unclear         // bounced
	machine         // opened, clicked
)

// plan plans all steps and sorts the steps by time.
func (c Campaign) plan() []step {
	p := planner{
		rand:  rand.New(rand.NewPCG(c.Seed, 0)),
		steps: make([]step, 0, 3*max(c.Deliveries, 0)),
	}
	for i := range c.Deliveries {
		p.delivery = i
		p.at = c.Start.Unix() + int64(i)*int64(sendingTime/time.Second)/int64(c.Deliveries)
		p.send(c.Deliveries >= complainerFloor && i == complainer)
	}
	slices.SortFunc(p.steps, order)
	return p.steps
}

// order sorts by time, and within a second by delivery. Waits separate the steps of a
// delivery by at least a second.
func order(a, b step) int {
	return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.delivery, b.delivery))
}

// A planner plans the deliveries in sequence. at is the time of the last step of the
// current delivery, in unix seconds.
type planner struct {
	rand     *rand.Rand
	steps    []step
	delivery int
	at       int64
}

func (p *planner) happens(rate float64) bool { return p.rand.Float64() < rate }

// wait advances the time, by the mean on average. Most reactions are quick and few are
// slow; no reaction takes more than a day.
func (p *planner) wait(mean time.Duration) {
	seconds := math.Ceil(p.rand.ExpFloat64() * mean.Seconds())
	p.at += int64(min(seconds, 24*60*60))
}

func (p *planner) add(m webhook.Metric, v variant) {
	p.steps = append(p.steps, step{at: p.at, delivery: p.delivery, metric: m, variant: v})
}

func (p *planner) send(complains bool) {
	fate := p.rand.Float64()
	if complains {
		fate = 1
	}
	if fate < dropRate {
		p.add(webhook.Dropped, plain)
		return
	}
	p.add(webhook.Sent, plain)
	if fate < dropRate+bounceRate {
		p.wait(5 * time.Second)
		p.add(webhook.Bounced, p.bounce())
		return
	}
	if p.happens(deferRate) {
		p.wait(time.Second)
		p.add(webhook.Deferred, plain)
		p.wait(10 * time.Minute)
	}
	p.wait(3 * time.Second)
	p.add(webhook.Delivered, plain)
	p.react(complains)
}

func (p *planner) bounce() variant {
	switch kind := p.rand.Float64(); {
	case kind < hardShare:
		return hard
	case kind < hardShare+softShare:
		return soft
	default:
		return unclear
	}
}

// react plans the reactions of the recipient and of machines. Every reaction to a
// message begins with an open.
func (p *planner) react(complains bool) {
	if !complains && !p.happens(openRate) {
		return
	}
	if p.happens(prefetchedShare) {
		p.wait(20 * time.Second)
		p.add(webhook.Opened, machine)
	} else {
		p.wait(3 * time.Hour)
		p.add(webhook.Opened, plain)
	}
	if p.happens(repeatShare) {
		p.wait(6 * time.Hour)
		p.add(webhook.Opened, plain)
	}
	if p.happens(clickRate / openRate) {
		p.click()
	}
	if p.happens(unsubscribeRate / openRate) {
		p.wait(5 * time.Minute)
		p.add(webhook.Unsubscribed, plain)
	}
	if complains || p.happens(complaintRate/openRate) {
		p.wait(time.Hour)
		p.add(webhook.Spammed, plain)
	}
}

func (p *planner) click() {
	p.wait(time.Minute)
	if p.happens(machineShare) {
		p.add(webhook.Clicked, machine)
		return
	}
	p.add(webhook.Clicked, plain)
	if p.happens(conversionRate / (clickRate * (1 - machineShare))) {
		p.wait(20 * time.Minute)
		p.add(webhook.Converted, plain)
	}
}
