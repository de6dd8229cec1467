package worker

import (
	"cmp"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// maxMailAge is the age, since ingest has received an event, from which Mail does not
// count the event. A consumer that starts over, for a new warehouse, reads the whole
// stream as first attempts; alerts must not see a month of mail within minutes.
const maxMailAge = 24 * time.Hour

// Outcomes of e-mail events that are neither a metric nor a warehouse.Refusal.
const (
	openedHuman  = "opened_human"
	clickedHuman = "clicked_human"
	complained   = "complained"
	bouncedAs    = "bounced_" // and the class of the bounce
)

// mailOutcomes is the closed set of outcomes.
var mailOutcomes = []string{
	string(webhook.Sent), string(webhook.Delivered), openedHuman, clickedHuman,
	bouncedAs + string(webhook.BounceHard), bouncedAs + string(webhook.BounceSoft), bouncedAs + string(webhook.BounceUnknown),
	warehouse.Blocked, warehouse.Unauthenticated, string(webhook.Deferred), complained, string(webhook.Unsubscribed),
	string(webhook.Dropped), string(webhook.Failed), string(webhook.Undeliverable),
}

// Mail counts the e-mail events of one consumer, by mailbox provider and outcome. Each
// message of the stream counts at most once: at the consumer's own first attempt, after
// the event's row is durable. A redelivery, a replay and an event older than maxMailAge do
// not count. A nil Mail counts nothing.
type Mail struct {
	consumer string
	events   *prometheus.CounterVec
	// series has the series of the known workspaces: a look-up in events costs three times
	// as much.
	series  map[mailKey]prometheus.Counter
	tallies map[string]*tally // by workspace
}

type mailKey struct{ workspace, provider, outcome string }

// Mail creates the series of the workspaces and returns the counter of a consumer.
func (m *Metrics) Mail(consumer string, workspaces []string) *Mail {
	counter := &Mail{consumer: consumer, events: m.mail, series: map[mailKey]prometheus.Counter{}, tallies: map[string]*tally{}}
	for _, workspace := range workspaces {
		t := &tally{}
		counter.tallies[workspace] = t
		for _, provider := range warehouse.Providers() {
			for _, outcome := range mailOutcomes {
				counter.series[mailKey{workspace, provider, outcome}] = t.of(provider, outcome, m.mail.WithLabelValues(workspace, provider, outcome))
			}
		}
	}
	return counter
}

// of returns the series that counts the message once its row is written, or nil.
func (m *Mail) of(a *event.Attempt, r *warehouse.Row) prometheus.Counter {
	if m == nil || a.Number > 1 || a.Consumer != m.consumer || time.Since(a.ReceivedAt) >= maxMailAge {
		return nil
	}
	outcome := mailOutcome(r)
	if outcome == "" {
		return nil
	}
	key := mailKey{r.Workspace, cmp.Or(r.Provider, warehouse.OtherMailbox), outcome}
	if c, ok := m.series[key]; ok {
		return c
	}
	return m.events.WithLabelValues(key.workspace, key.provider, key.outcome) // of a workspace that only ingest knows
}

// mailOutcome returns the single outcome of an e-mail event, or "" for an event that is
// not counted: opens and clicks of machines, opens that Customer.io concludes from clicks,
// other metrics and other object types.
func mailOutcome(r *warehouse.Row) string {
	if r.ObjectType != webhook.Email {
		return ""
	}
	byHuman := r.ByMachine == nil || !*r.ByMachine
	switch r.Metric {
	case webhook.Opened:
		if byHuman && (r.Synthetic == nil || !*r.Synthetic) {
			return openedHuman
		}
	case webhook.Clicked:
		if byHuman {
			return clickedHuman
		}
	case webhook.Bounced:
		return cmp.Or(r.Refusal(), bouncedAs+r.Bounce)
	case webhook.Deferred:
		return cmp.Or(r.Refusal(), string(r.Metric))
	case webhook.Spammed:
		return complained
	case webhook.Sent, webhook.Delivered, webhook.Unsubscribed, webhook.Dropped, webhook.Failed, webhook.Undeliverable:
		return string(r.Metric)
	default: // not counted
	}
	return ""
}
