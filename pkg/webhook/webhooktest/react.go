package webhooktest

import (
	"time"

	"github.com/cioevents/cioevents/pkg/webhook"
)

// react plans the reactions of the recipient and of machines.
func (p *planner) react(r rates, complains bool) {
	scanned := p.chance(scan, r.scan)
	if scanned {
		p.scan()
	}
	if p.chance(reply, r.reply) {
		p.wait(time.Hour)
		p.add(webhook.Replied, plain)
	}
	switch {
	case p.chance(directClick, r.directClick):
		p.wait(time.Hour)
		p.click(r)
	case !scanned && p.chance(fastClick, r.fastClick): // a robot that Customer.io does not know
		p.at++
		p.click(r)
	case !complains && !p.happens(r.open):
		return
	default:
		p.open(r)
	}
	if r.mailbox {
		p.judge(r, complains)
	}
}

// open plans the first open, a second open and a click.
func (p *planner) open(r rates) {
	by := plain
	if r.proxied {
		by = proxied
	}
	if p.happens(r.prefetched) {
		p.wait(20 * time.Second)
		p.add(webhook.Opened, machine)
	} else {
		p.wait(3 * time.Hour)
		p.add(webhook.Opened, p.marked(unmarkedOpen, r, by))
	}
	if p.happens(r.repeat) {
		p.wait(6 * time.Hour)
		p.add(webhook.Opened, by)
	}
	if p.chance(click, r.click/r.open) {
		p.wait(time.Minute)
		p.click(r)
	}
}

// marked returns v, or unmarked for some events of a mix.
func (p *planner) marked(k rarity, r rates, v variant) variant {
	if p.chance(k, r.unmarked) {
		return unmarked
	}
	return v
}

func (p *planner) click(r rates) {
	if p.happens(r.machine) {
		p.addClick(r, machine)
		return
	}
	p.addClick(r, p.marked(unmarkedClick, r, plain))
	if p.chance(conversion, r.conversion/(r.click*(1-r.machine))) {
		p.wait(20 * time.Minute)
		p.add(webhook.Converted, plain)
	}
}

// addClick adds a click. From the click on an e-mail that nobody has opened, Customer.io
// infers an open.
func (p *planner) addClick(r rates, v variant) {
	p.add(webhook.Clicked, v)
	if p.opened || !r.mailbox {
		return
	}
	inferred := synthetic
	if p.chance(secondMetric, 0.3) {
		inferred = second
	}
	p.add(webhook.Opened, inferred)
}

// scan plans the clicks of a link scanner, within seconds of the arrival.
func (p *planner) scan() {
	at := p.at
	for range 3 {
		p.wait(time.Second / 2)
		p.add(webhook.Clicked, machine)
	}
	if !p.opened {
		p.add(webhook.Opened, synthetic)
	}
	p.at = at + 10
}

// judge plans what the recipient thinks of the sender.
func (p *planner) judge(r rates, complains bool) {
	if p.chance(unsubscribe, r.unsubscribe/r.open) {
		p.wait(5 * time.Minute)
		p.add(webhook.Unsubscribed, plain)
		p.optOut(r)
	}
	if complains || p.chance(complaint, r.complaint/r.open) {
		p.wait(time.Hour)
		p.add(webhook.Spammed, plain)
		p.optOut(r)
		return
	}
	if p.chance(preferences, r.preferences) {
		p.wait(10 * time.Minute)
		p.add(webhook.PreferencesChanged, plain)
	}
	if p.chance(account, r.account) {
		p.wait(time.Hour)
		p.add(webhook.PreferencesChanged, profile)
	}
	if p.chance(leaving, r.leaving) {
		p.wait(time.Hour)
		p.add(webhook.Unsubscribed, profile)
		p.optOut(r)
	}
}
