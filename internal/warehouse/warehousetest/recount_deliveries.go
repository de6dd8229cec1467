package warehousetest

import (
	"cmp"
	"slices"
	"time"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// A delivery is all that happened to a message to a person.
type delivery struct {
	message                      msg
	id, person, domain, provider string
	sent, delivered, opened, clicked, converted, bounced,
	unsubscribed, complained, deferred, first, last time.Time
	opens, clicks     int64
	outcomes, bounces []outcome
	failures          []outcome
}

// An outcome is the end of a delivery, until another outcome follows.
type outcome struct {
	second int64
	name   string
}

func earliest(t *time.Time, at time.Time) {
	if t.IsZero() || at.Before(*t) {
		*t = at
	}
}

func (d *delivery) add(r *warehouse.Row) {
	at := r.Timestamp
	earliest(&d.first, at)
	if at.After(d.last) {
		d.last = at
	}
	if first := map[string]*time.Time{
		"sent": &d.sent, "delivered": &d.delivered, "converted": &d.converted, "bounced": &d.bounced,
		"unsubscribed": &d.unsubscribed, "spammed": &d.complained, "deferred": &d.deferred,
	}[string(r.Metric)]; first != nil {
		earliest(first, at)
	}
	if isOpen(r) {
		d.opens++
		earliest(&d.opened, at)
	}
	if isClick(r) {
		d.clicks++
		earliest(&d.opened, at)
		earliest(&d.clicked, at)
	}
	d.end(r)
}

func (d *delivery) end(r *warehouse.Row) {
	second, name := r.Timestamp.Unix(), string(r.Metric)
	switch name {
	case "bounced":
		name = cmp.Or(r.Bounce, "unknown")
		d.bounces = append(d.bounces, outcome{second, name})
	case "delivered", "dropped", "failed", "undeliverable":
	default:
		return
	}
	d.outcomes = append(d.outcomes, outcome{second, name})
	if r.Metric != "delivered" && r.FailureMessage != "" {
		d.failures = append(d.failures, outcome{second, r.FailureMessage})
	}
}

// lastOf returns the name of the last outcome. In one second a bounce wins over a failure,
// and a failure over delivered.
func lastOf(list []outcome) string {
	weights := []string{"delivered", "dropped", "failed", "undeliverable", "unknown", "soft", "hard"}
	if len(list) == 0 {
		return ""
	}
	return slices.MaxFunc(list, func(a, b outcome) int {
		return cmp.Or(cmp.Compare(a.second, b.second), cmp.Compare(slices.Index(weights, a.name), slices.Index(weights, b.name)), cmp.Compare(a.name, b.name))
	}).name
}

func (d *delivery) outcome() string { return cmp.Or(lastOf(d.outcomes), "pending") }

// began is the time that decides the delivery's day.
func (d *delivery) began() time.Time {
	if d.sent.IsZero() {
		return d.first
	}
	return d.sent
}

func (c *count) deliveryRow(d *delivery) []any {
	var fast any
	if !d.clicked.IsZero() && !d.delivered.IsZero() {
		fast = !d.clicked.After(d.delivered.Add(2 * time.Second))
	}
	m := d.message
	return []any{
		m.workspace, d.id, null(m.object), null(m.source), null(m.sourceID), null(m.action), null(m.content),
		null(d.person), null(d.domain), null(d.provider), null(d.sent), null(d.delivered), null(d.opened), null(d.clicked),
		null(d.converted), null(d.bounced), null(lastOf(d.bounces)), null(d.unsubscribed), null(d.complained), d.outcome(),
		d.opens, d.clicks, fast, d.first, d.last, null(d.deferred), null(lastOf(d.failures)), c.day(d.began()),
	}
}

// A tally counts the deliveries of a message.
type tally struct {
	deliveries, sent, delivered, hard, soft, unknown, failed, opens, clicks, conversions, unsubscribes, complaints, heard, outside int64
	seconds                                                                                                                        []float64
}

func (t *tally) add(d *delivery) {
	t.deliveries++
	for at, n := range map[*time.Time]*int64{
		&d.sent: &t.sent, &d.opened: &t.opens, &d.clicked: &t.clicks, &d.converted: &t.conversions,
		&d.unsubscribed: &t.unsubscribes, &d.complained: &t.complaints,
	} {
		if !at.IsZero() {
			*n++
		}
	}
	outcome := d.outcome()
	if n := map[string]*int64{
		"delivered": &t.delivered, "hard": &t.hard, "soft": &t.soft, "unknown": &t.unknown,
		"dropped": &t.failed, "failed": &t.failed, "undeliverable": &t.failed,
	}[outcome]; n != nil {
		*n++
	}
	if d.message.object == "email" && d.provider != "gmail" {
		if !d.complained.IsZero() {
			t.heard++
		}
		if outcome == "delivered" {
			t.outside++
		}
	}
	arrived := d.delivered
	if arrived.IsZero() {
		arrived = d.sent
	}
	if !d.opened.IsZero() && !arrived.IsZero() {
		t.seconds = append(t.seconds, max(d.opened.Sub(arrived).Seconds(), 0))
	}
}

func (t *tally) counts() []any {
	return []any{t.deliveries, t.sent, t.delivered, t.hard, t.soft, t.unknown, t.failed, t.opens, t.clicks, t.conversions, t.unsubscribes, t.complaints, t.heard, t.outside}
}

func (t *tally) rates(objectType string) []any {
	delivery, bounce := of(t.delivered, t.sent), of(t.hard, t.sent)
	if objectType == "in_app" || objectType == "slack" || objectType == "webhook" { // nobody tells of their arrival
		delivery, bounce = nil, nil
	}
	return []any{
		delivery, of(t.opens, t.delivered), of(t.clicks, t.delivered), of(t.clicks, t.opens),
		bounce, of(t.heard, t.outside), of(t.unsubscribes, t.delivered),
	}
}
