package warehousetest

import "cmp"

// An activity is what happened to the deliveries of a message on a day.
type activity struct {
	did    map[string]map[string]bool // the deliveries to which a thing happened
	events int64
}

// activities counts the events of a message on their days.
func (c *count) activities() map[dated]*activity {
	m := map[dated]*activity{}
	for _, r := range c.events {
		key := dated{messageOf(r), c.day(r.Timestamp)}
		if m[key] == nil {
			m[key] = &activity{did: map[string]map[string]bool{}}
		}
		a := m[key]
		a.events++
		if r.DeliveryID == "" {
			continue
		}
		thing := string(r.Metric)
		if thing == "bounced" {
			thing = cmp.Or(r.Bounce, "unknown")
		}
		if thing != "opened" && thing != "clicked" {
			a.add(thing, r.DeliveryID)
		}
		if isOpen(r) || isClick(r) {
			a.add("open", r.DeliveryID)
		}
		if isClick(r) {
			a.add("click", r.DeliveryID)
		}
	}
	return m
}

func (a *activity) add(thing, delivery string) {
	switch thing {
	case "dropped", "undeliverable":
		thing = "failed"
	}
	if a.did[thing] == nil {
		a.did[thing] = map[string]bool{}
	}
	a.did[thing][delivery] = true
}

func (a *activity) counts() []any {
	var list []any
	for _, thing := range []string{"sent", "delivered", "hard", "soft", "unknown", "failed", "open", "click", "converted", "unsubscribed", "spammed"} {
		list = append(list, int64(len(a.did[thing])))
	}
	return append(list, a.events)
}
