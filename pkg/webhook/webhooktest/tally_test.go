package webhooktest_test

import (
	"encoding/json"
	"iter"
	"strconv"
	"strings"
	"testing"

	"github.com/cioevents/cioevents/pkg/webhook"
	"github.com/cioevents/cioevents/pkg/webhook/webhooktest"
)

// A tally counts events by parsing their bodies, as a receiver does.
type tally struct {
	webhooktest.Totals
	seen       map[string]bool
	deliveries map[string]*delivery
}

// A delivery is what the events of a delivery say.
type delivery struct {
	message         webhooktest.Message
	gmail           bool
	metrics         map[webhook.Metric]bool
	opened, clicked bool
	outcome         string
}

func count(t *testing.T, events iter.Seq[[]byte]) webhooktest.Totals {
	t.Helper()
	y := tally{seen: make(map[string]bool), deliveries: make(map[string]*delivery)}
	y.Metrics, y.Deliveries = make(map[webhook.Metric]int), make(map[webhook.Metric]int)
	y.Messages = make(map[webhooktest.Message]webhooktest.MessageTotals)
	for body := range events {
		y.add(parse(t, body))
	}
	for _, d := range y.deliveries {
		y.addDelivery(d)
	}
	return y.Totals
}

func parse(t *testing.T, body []byte) *webhook.Event {
	t.Helper()
	e, err := webhook.Parse(body)
	if err != nil || !json.Valid(body) {
		t.Fatalf("%s: %v", body, err)
	}
	return e
}

func isTrue(b *bool) bool { return b != nil && *b }

func (y *tally) add(e *webhook.Event) {
	y.Events++
	y.Metrics[e.Metric]++
	human := !isTrue(e.Machine) && !isTrue(e.Prefetched) && !isTrue(e.Synthetic)
	switch {
	case isTrue(e.Prefetched):
		y.MachineOpens++
	case isTrue(e.Machine):
		y.MachineClicks++
	}
	y.addPerson(e, human)
	if e.DeliveryID == "" {
		return
	}
	d := y.deliveries[e.DeliveryID]
	if d == nil {
		d = &delivery{message: messageOf(e), metrics: make(map[webhook.Metric]bool)}
		y.deliveries[e.DeliveryID] = d
	}
	d.add(e, human)
}

// add notes an event; the events come in the order of their times.
func (d *delivery) add(e *webhook.Event, human bool) {
	d.metrics[e.Metric] = true
	d.gmail = d.gmail || strings.HasSuffix(e.Recipient, "@gmail.com")
	switch e.Metric {
	case webhook.Opened:
		d.opened = d.opened || human
	case webhook.Clicked:
		d.clicked = d.clicked || human
	case webhook.Bounced:
		d.outcome = string(e.BounceClass())
	case webhook.Delivered, webhook.Dropped, webhook.Failed, webhook.Undeliverable:
		d.outcome = string(e.Metric)
	default: // neither an outcome nor a reaction
	}
}

func messageOf(e *webhook.Event) webhooktest.Message {
	m := webhooktest.Message{ObjectType: e.ObjectType, ActionID: e.ActionID, ContentID: e.ContentID}
	for kind, id := range map[string]int64{"campaign": e.CampaignID, "broadcast": e.BroadcastID, "newsletter": e.NewsletterID} {
		if id != 0 {
			m.Source, m.SourceID = kind, strconv.FormatInt(id, 10)
		}
	}
	if e.TransactionalMessage != "" {
		m.Source, m.SourceID = "transactional", e.TransactionalMessage
	}
	return m
}

func (y *tally) addDelivery(d *delivery) {
	m := y.Messages[d.message]
	m.Deliveries++
	m.Sent += one(d.metrics[webhook.Sent])
	m.Delivered += one(d.outcome == "delivered")
	m.HardBounces += one(d.outcome == "hard")
	m.SoftBounces += one(d.outcome == "soft")
	m.UnknownBounces += one(d.outcome == "unknown")
	m.Failed += one(d.outcome == "dropped" || d.outcome == "failed" || d.outcome == "undeliverable")
	m.HumanOpens += one(d.opened || d.clicked)
	m.HumanClicks += one(d.clicked)
	m.Conversions += one(d.metrics[webhook.Converted])
	m.Unsubscribes += one(d.metrics[webhook.Unsubscribed])
	m.Complaints += one(d.metrics[webhook.Spammed])
	m.DeliveredOutsideGmail += one(d.outcome == "delivered" && d.message.ObjectType == webhook.Email && !d.gmail)
	y.Messages[d.message] = m
	for metric := range d.metrics {
		y.Deliveries[metric]++
	}
}

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}

// addPerson counts people by what happened to e-mails at their own address, and opt-outs.
func (y *tally) addPerson(e *webhook.Event, human bool) {
	own := e.ObjectType == webhook.Email && e.Recipient == e.Identifiers.Email
	for _, n := range []struct {
		fact   string
		number *int
		counts bool
	}{
		{"unsubscribed", &y.Unsubscribed, e.Metric == webhook.Unsubscribed},
		{"complained", &y.Complained, own && e.Metric == webhook.Spammed},
		{"hard", &y.HardBounced, own && e.BounceClass() == webhook.BounceHard},
		{"soft", &y.SoftBounced, own && e.BounceClass() == webhook.BounceSoft},
		{"unknown", &y.UnknownBounced, own && e.BounceClass() == webhook.BounceUnknown},
		{"engaged", &y.Engaged, own && human && (e.Metric == webhook.Opened || e.Metric == webhook.Clicked)},
	} {
		if n.counts && y.first(e.CustomerID+n.fact) {
			*n.number++
		}
	}
}

func (y *tally) first(key string) bool {
	seen := y.seen[key]
	y.seen[key] = true
	return !seen
}
