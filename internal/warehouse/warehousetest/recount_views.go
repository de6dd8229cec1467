package warehousetest

import (
	"cmp"
	"encoding/json"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// views returns the rows of the views that the count knows, with the columns in the order
// of the dictionary.
func (c *count) views() map[string][][]any {
	v := map[string][][]any{}
	put := func(view string, parts ...[]any) { v[view] = append(v[view], slices.Concat(parts...)) }
	for _, d := range c.deliveries {
		put(warehouse.Deliveries, c.deliveryRow(d))
	}
	unnamed := []any{nil} // customerio_names is empty
	for key, t := range tallies(c.deliveries, func(d *delivery) dated { return dated{d.message, c.day(d.began())} }) {
		put(warehouse.Daily, key.message.values(key.day), unnamed, t.counts())
	}
	for m, t := range tallies(c.deliveries, func(d *delivery) msg { return d.message }) {
		put(warehouse.Messages, m.values(), unnamed, t.counts(), t.rates(m.object))
		if len(t.seconds) > 0 {
			put(warehouse.TimeToOpen, m.values(), unnamed, []any{int64(len(t.seconds))}, percentiles(t.seconds))
		}
	}
	for key, a := range c.activities() {
		put(warehouse.ActivityDaily, key.message.values(key.day), unnamed, a.counts())
	}
	for l, k := range c.links() {
		put(warehouse.Links, l.message.values(), unnamed, []any{null(l.id), null(l.name), k.url(), k.clicks, int64(len(k.deliveries)), int64(len(k.people))})
	}
	for b, n := range c.bounces() {
		put(warehouse.Bounces, b.message.values(b.day), unnamed, []any{null(b.domain), null(b.provider), b.class, null(b.reason), n})
	}
	c.health(put)
	v[warehouse.Preferences] = c.preferences()
	v[warehouse.PipelineLatency] = c.latency()
	return v
}

// A dated is a message on a day.
type dated struct {
	message msg
	day     any
}

func tallies[K comparable](list []*delivery, key func(*delivery) K) map[K]*tally {
	m := map[K]*tally{}
	for _, d := range list {
		if m[key(d)] == nil {
			m[key(d)] = &tally{}
		}
		m[key(d)].add(d)
	}
	return m
}

// percentiles returns the 50th, 90th and 99th percentile, between two values if need be.
func percentiles(list []float64) []any {
	slices.Sort(list)
	var out []any
	for _, p := range []float64{0.5, 0.9, 0.99} {
		out = append(out, percentile(list, p))
	}
	return out
}

// percentile returns a percentile of sorted numbers, nil for no number.
func percentile(list []float64, p float64) any {
	if len(list) == 0 {
		return nil
	}
	place := p * float64(len(list)-1)
	low := math.Floor(place)
	a, b := list[int(low)], list[int(math.Ceil(place))]
	return a + (b-a)*(place-low)
}

// A link of a message. own is the URL of a link without id and name.
type linkKey struct {
	message   msg
	id        int64
	name, own string
}

type clicksOf struct {
	clicks             int64
	deliveries, people map[string]bool
	urls               map[string]bool
}

func (c *count) links() map[linkKey]*clicksOf {
	m := map[linkKey]*clicksOf{}
	for _, r := range c.events {
		if !isClick(r) || r.Shape == webhook.Backfill {
			continue
		}
		key, url := linkKey{messageOf(r), r.LinkID, r.LinkName, ""}, plainURL(r.Href)
		if r.LinkID == 0 && r.LinkName == "" {
			key.own = url
		}
		if m[key] == nil {
			m[key] = &clicksOf{deliveries: map[string]bool{}, people: map[string]bool{}, urls: map[string]bool{}}
		}
		k := m[key]
		k.clicks++
		k.urls[url] = true
		if r.DeliveryID != "" {
			k.deliveries[r.DeliveryID] = true
		}
		if r.PersonID != "" {
			k.people[r.PersonID] = true
		}
	}
	return m
}

// plainURL returns a URL without query, fragment and tokens.
func plainURL(href string) string {
	if i := strings.IndexAny(href, "?#"); i >= 0 {
		href = href[:i]
	}
	parts := strings.Split(href, "/")
	for i := 3; i < len(parts); i++ {
		if longRun(parts[i]) || uuid.MatchString(parts[i]) {
			parts[i] = "…"
		}
	}
	return strings.Join(parts, "/")
}

var uuid = regexp.MustCompile(`(?i)[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}`)

// longRun reports whether a segment has 20 letters or digits in sequence.
func longRun(s string) bool {
	n := 0
	for _, r := range s {
		n++
		if !strings.ContainsRune("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_=", r) {
			n = 0
		}
		if n == 20 {
			return true
		}
	}
	return false
}

func (k *clicksOf) url() any {
	list := make([]string, 0, len(k.urls))
	for u := range k.urls {
		list = append(list, u)
	}
	if len(list) == 1 {
		return null(list[0])
	}
	host := strings.Split(slices.Min(list), "/")
	return strings.Join(host[:min(3, len(host))], "/") + "/…"
}

type bounceKey struct {
	message                         msg
	day                             any
	domain, provider, class, reason string
}

func (c *count) bounces() map[bounceKey]int64 {
	m := map[bounceKey]int64{}
	for _, r := range c.events {
		if r.Metric == "bounced" {
			m[bounceKey{messageOf(r), c.day(r.Timestamp), r.Domain, r.Provider, cmp.Or(r.Bounce, "unknown"), r.FailureMessage}]++
		}
	}
	return m
}

func (c *count) preferences() [][]any {
	list := [][]any{}
	for _, r := range c.events {
		var p struct{ Topics map[string]bool }
		if r.Metric != "cio_subscription_preferences_changed" || json.Unmarshal([]byte(r.Preferences), &p) != nil {
			continue
		}
		for topic, subscribed := range p.Topics {
			list = append(list, []any{r.Workspace, c.day(r.Timestamp), null(r.Timestamp), r.EventID, null(r.PersonID), null(r.Identifiers.CioID), topic, subscribed})
		}
	}
	return list
}

func (c *count) latency() [][]any {
	hours := map[time.Time][]float64{}
	events := map[time.Time]int64{}
	for _, r := range c.events {
		if r.Shape == webhook.Backfill {
			continue
		}
		hour := r.ReceivedAt.UTC().Truncate(time.Hour)
		events[hour]++
		if !r.Timestamp.IsZero() {
			hours[hour] = append(hours[hour], float64(r.ReceivedAt.UnixMilli()-r.Timestamp.UnixMilli()))
		}
	}
	list := [][]any{}
	for hour, n := range events {
		list = append(list, append([]any{hour, n}, percentiles(hours[hour])...))
	}
	return list
}
