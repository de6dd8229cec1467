package lab

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cioevents/cioevents/internal/customerio/customeriotest"
)

// Check compares the profiles of the workspace with the profiles that the model
// predicts. The error counts the differences and shows the first three.
func (h *History) Check(fake *customeriotest.Fake) error {
	got := map[string]map[string]any{}
	for _, p := range fake.Profiles() {
		got[p.CioID] = p.Attributes
	}
	want := h.want()
	var wrong []string
	for person := range h.cfg.People {
		g, here := got[cioID(person)]
		w, stays := want[person]
		if here != stays || !maps.Equal(g, w) {
			wrong = append(wrong, fmt.Sprintf("person %d exists: %v, want %v; attributes are %v, want %v", person, here, stays, g, w))
		}
	}
	if len(got) > len(want) {
		wrong = append(wrong, fmt.Sprintf("there are %d profiles, want %d", len(got), len(want)))
	}
	if len(wrong) > 0 {
		return fmt.Errorf("%d of %d profiles are wrong: %s", len(wrong), h.cfg.People, strings.Join(wrong[:min(len(wrong), 3)], "; "))
	}
	return nil
}

// Stay returns how many people are not suppressed in the end.
func (h *History) Stay() int { return len(h.want()) }

// Suppression returns the cio_id of the person whom the event of arrival i suppresses,
// "" when the event suppresses nobody.
func (h *History) Suppression(i int) string {
	if o := &h.arrivals[i]; o.apply(map[string]any{}) {
		return cioID(o.person)
	}
	return ""
}

// Bounced returns the cio_ids of the people whom only bounces suppress.
func (h *History) Bounced() map[string]bool {
	people := map[string]bool{}
	for i := range h.arrivals {
		if id := h.Suppression(i); id != "" && h.arrivals[i].what != "spammed" {
			people[id] = true
		}
	}
	for i := range h.arrivals {
		if h.arrivals[i].what == "spammed" {
			delete(people, cioID(h.arrivals[i].person))
		}
	}
	return people
}

// want returns the attributes of the people who are not suppressed in the end. The
// model applies each event once and in the order of time, so that the last event wins
// without any comparison of timestamps.
func (h *History) want() map[int]map[string]any {
	events := slices.Clone(h.arrivals)
	slices.SortFunc(events, func(a, b arrival) int { return cmp.Compare(a.at, b.at) })
	events = slices.CompactFunc(events, func(a, b arrival) bool { return a.event == b.event })
	want := make(map[int]map[string]any, h.cfg.People)
	for person := range h.cfg.People {
		want[person] = map[string]any{}
	}
	var suppressed []int
	for i := range events {
		o := &events[i]
		if o.apply(want[o.person]) {
			suppressed = append(suppressed, o.person)
		}
	}
	for _, person := range suppressed {
		delete(want, person)
	}
	return want
}

// apply changes the attributes as docs/effects.md says, and reports whether the person
// is suppressed.
func (o *arrival) apply(a map[string]any) (suppressed bool) {
	switch metric, word, _ := strings.Cut(o.what, " "); {
	case word == "machine", word == "push", word == "elsewhere":
		return false
	case metric == "opened", metric == "clicked":
		a["last_email_engaged_at"], a["last_email_metric"] = o.at, metric
	case metric == "bounced":
		a["email_bounced"], a["email_bounced_at"], a["last_bounce_delivery_id"] = true, o.at, o.delivery()
		a["email_bounce_class"] = map[string]string{"hard": "hard", "soft": "soft", "unclear": "unknown"}[word]
		return word == "hard"
	case metric == "spammed":
		return true // The suppression deletes the attributes.
	case metric == "unsubscribed":
		a["unsubscribed_at"] = o.at
		if word != "customer" {
			a["unsubscribed"] = true
		}
	case metric == "subscribed":
		a["subscribed_at"] = o.at
	}
	return false
}
