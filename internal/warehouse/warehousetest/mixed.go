package warehousetest

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/pkg/webhook"
	"github.com/cioevents/cioevents/pkg/webhook/webhooktest"
)

// MixedRows returns the rows of a simulated campaign of n messages, spread over messages of
// all sources, providers and two workspaces, and disturbed: events are missing, repeated,
// late, made by machines, or in the same second as others. Repeats are equal.
func MixedRows(n int, seed uint64) []warehouse.Row {
	m := &mixer{Rand: rand.New(rand.NewPCG(seed, 1))}
	var rows []warehouse.Row
	for body := range (webhooktest.Campaign{Seed: seed, Deliveries: n}).Events() {
		if m.IntN(50) == 0 {
			continue // missing, a sent event for example
		}
		r := workersRow(body, len(rows)+1)
		m.disturb(&r)
		rows = append(rows, r)
		if m.IntN(20) == 0 {
			rows = append(rows, m.twin(r, len(rows)+1))
		}
	}
	for i := range len(rows) / 20 {
		rows = append(rows, rows[i*7%len(rows)])
	}
	rows = append(rows, m.others(len(rows)/50)...)
	rows = append(rows, m.choices(rows)...)
	m.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	return rows
}

type mixer struct{ *rand.Rand }

// disturb changes an event. What all events of a delivery share depends on the delivery's
// id alone.
func (m *mixer) disturb(r *warehouse.Row) {
	mix(r)
	r.ReceivedAt = r.Timestamp.Add(time.Duration(m.IntN(5000)) * time.Millisecond)
	switch m.IntN(30) {
	case 0: // before the events that caused the event
		r.Timestamp = r.Timestamp.Add(-time.Duration(m.IntN(600)) * time.Second)
	case 1:
		r.Timestamp = r.Timestamp.Add(time.Duration(m.IntN(3)) * 24 * time.Hour)
	case 2:
		r.ByMachine = new(m.IntN(2) == 0)
	case 3:
		r.Synthetic = new(m.IntN(2) == 0)
	}
	switch r.Metric {
	case webhook.Clicked:
		m.link(r)
	case webhook.Bounced:
		r.FailureMessage += strconv.Itoa(m.IntN(3))
		if m.IntN(2) == 0 {
			r.Bounce, r.FailureMessage = "soft", Refusals()[m.IntN(len(Refusals()))].Text
		}
	default: // has no detail of its own
	}
}

// mix gives the delivery of an event a workspace, a source and a mailbox provider.
func mix(r *warehouse.Row) {
	h := 0
	for _, b := range []byte(r.DeliveryID) {
		h = (h*31 + int(b)) % 1_000_003
	}
	r.Workspace = []string{"default", "default", "other"}[h%3]
	r.Source = []string{"campaign", "broadcast", "newsletter", "transactional", ""}[h/3%5]
	r.SourceID, r.ActionID, r.ContentID = strconv.Itoa(1+h/15%4), int64(h/60%3), int64(h/180%2)
	switch {
	case r.Source == "":
		r.SourceID = ""
	case h/15%4 == 0 && r.Source == "transactional":
		r.SourceID = "order_confirmation"
	}
	r.Domain, r.Provider = []string{"gmail.com", "outlook.com", "example.com"}[h/360%3], []string{"gmail", "microsoft", "other"}[h/360%3]
	if h/1080%5 == 0 {
		r.ObjectType, r.Domain, r.Provider = "push", "", ""
	}
}

// link gives a click one of several kinds of links.
func (m *mixer) link(r *warehouse.Row) {
	n := m.IntN(4)
	r.LinkID, r.LinkName = 0, ""
	r.Href = fmt.Sprintf("https://shop.example/p/%d?utm=%d#f", n, m.IntN(1000))
	switch m.IntN(5) {
	case 0:
		r.LinkID = int64(1 + n)
	case 1:
		r.LinkID, r.Href = 9, fmt.Sprintf("https://shop.example/reset/%024d/%032x?t=1", m.IntN(1e9), m.IntN(1e9))
	case 2:
		r.LinkName = "cta"
	case 3:
		r.Href = fmt.Sprintf("https://shop.example/invite/to-%08X-9e8a-4b7c-8d6e-%012x/now", m.IntN(1e9), m.IntN(1e9))
	}
}

// twin returns another event in the same second: the delivery has both outcomes, or the
// event occurred twice.
func (m *mixer) twin(r warehouse.Row, n int) warehouse.Row {
	r.EventID = fmt.Sprintf("twin-%d", n)
	metrics := []webhook.Metric{r.Metric, webhook.Delivered, webhook.Bounced, "dropped", "failed", "undeliverable", "deferred"}
	r.Metric = metrics[m.IntN(len(metrics))]
	if r.Metric == webhook.Bounced {
		r.Bounce = []string{"hard", "soft", "unknown"}[m.IntN(3)]
	}
	r.FailureMessage = cmp.Or(r.FailureMessage, "reason "+strconv.Itoa(m.IntN(5)))
	return r
}

// choices returns opt-outs, and some subscribes, up to 100 hours before e-mails that were
// sent, without a delivery of their own.
func (m *mixer) choices(rows []warehouse.Row) []warehouse.Row {
	var list []warehouse.Row
	for _, r := range rows {
		if r.Metric != webhook.Sent || m.IntN(10) > 0 {
			continue
		}
		r.DeliveryID, r.PayloadAltered = "", nil
		for range 1 + m.IntN(3) {
			r.EventID = fmt.Sprintf("choice-%d", len(list))
			r.Metric = []webhook.Metric{webhook.Unsubscribed, webhook.Spammed, webhook.Bounced, webhook.Subscribed}[m.IntN(4)]
			r.Bounce = ""
			if r.Metric == webhook.Bounced {
				r.Bounce = []string{"hard", "soft"}[m.IntN(2)]
				r.Address = []string{r.Address, "old@example.com"}[m.IntN(2)]
			}
			c := r
			c.Timestamp = r.Timestamp.Add(-time.Duration(m.IntN(100)) * time.Hour)
			list = append(list, c)
		}
	}
	return list
}

// others returns events without a delivery, and without a time.
func (m *mixer) others(n int) []warehouse.Row {
	var rows []warehouse.Row
	for i := range n {
		e := webhook.Event{ObjectType: "customer", Metric: "subscribed", CustomerID: "p" + strconv.Itoa(i), OccurredAt: receivedAt.Add(time.Duration(m.IntN(1e6)) * time.Second), Raw: []byte("{}")}
		r := warehouse.NewRow(&e, warehouse.Origin{EventID: "other-" + strconv.Itoa(i), Workspace: "default", ReceivedAt: e.OccurredAt.Add(time.Second)})
		switch i % 4 {
		case 0:
			r.Metric, r.Preferences = webhook.PreferencesChanged, fmt.Sprintf(`{"topics":{"topic_1":%t,"topic_%d":false}}`, i%8 == 0, 2+i%3)
		case 1:
			r.Timestamp = time.Time{}
		case 2:
			r.Metric, r.DeliveryID = webhook.Unsubscribed, ""
		}
		rows = append(rows, r)
	}
	return slices.Clip(rows)
}
