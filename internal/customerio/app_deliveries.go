package customerio

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"time"

	"github.com/cioevents/cioevents/pkg/webhook"
)

// A Delivery is a message to one person, as the App API lists it.
type Delivery struct {
	ID         string // delivery_id of an event
	ObjectType webhook.ObjectType
	Created    time.Time

	CustomerID  string // "" if unknown
	Identifiers webhook.Identifiers
	// Forgotten is set for a person whose data was erased.
	Forgotten bool

	Recipient      string
	Subject        string
	FailureMessage string

	CampaignID     int64
	BroadcastID    int64
	NewsletterID   int64
	ActionID       int64
	ParentActionID int64
	ContentID      int64
	TriggerEventID string

	// Metrics has the first time of each metric, in UTC. The App API names neither
	// attempted, deferred and replied nor later opens and clicks.
	Metrics map[webhook.Metric]time.Time
	// Human tells of opened and clicked whether a person was among the openers. A metric
	// is absent if the App API does not say.
	Human map[webhook.Metric]bool
}

// A DeliveryQuery selects deliveries.
type DeliveryQuery struct {
	// Since and Until bound the time of creation, in whole seconds. Until is exclusive.
	// New deliveries appear for some minutes after their creation: an Until in the last
	// minutes misses some.
	Since, Until time.Time
}

// Deliveries yields the deliveries of a query in the order of their creation, and by id
// within a second. A metric of a delivery may be much younger than the delivery: the App
// API has no filter by the time of a metric. After an error Deliveries ends; a later call
// continues with the last Created as Since.
//
// Deliveries reads windows of time that fit on a page of 1,000 deliveries, so that the
// memory is that of a page, and a delivery that vanishes between two pages hides no other.
func (a *App) Deliveries(ctx context.Context, q DeliveryQuery) iter.Seq2[Delivery, error] {
	return func(yield func(Delivery, error) bool) {
		w := newWindows(a)
		until := q.Until.Unix()
		for from := q.Since.Unix(); from < until; {
			list, to, err := w.read(ctx, from, until)
			if err != nil {
				yield(Delivery{}, err)
				return
			}
			for i := range list {
				if !yield(list[i], nil) {
					return
				}
			}
			from = to
		}
	}
}

// HasDelivery reports whether the workspace of the key has a delivery. Customer.io deletes
// the deliveries of a deleted person.
func (a *App) HasDelivery(ctx context.Context, id string) (bool, error) {
	// QueryEscape escapes the "=" at the end of an id, too.
	err := a.call(ctx, http.MethodGet, messagesPath+"/"+url.QueryEscape(id), nil, nil, nil)
	if e := statusOf(err); e != nil && e.status == http.StatusNotFound {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look up delivery: %w", err)
	}
	return true, nil
}

// message is a delivery in the list of the App API. Source of the fields: Customer.io's
// journeys-app.json.
type message struct {
	ID          string `json:"id"`
	Type        string `json:"type"`
	Created     number `json:"created"`
	CustomerID  string `json:"customer_id"`
	Identifiers struct {
		ID    string `json:"id"`
		Email string `json:"email"`
		CioID string `json:"cio_id"`
	} `json:"customer_identifiers"`
	Forgotten      bool              `json:"forgotten"`
	Recipient      string            `json:"recipient"`
	Subject        string            `json:"subject"`
	FailureMessage string            `json:"failure_message"`
	CampaignID     number            `json:"campaign_id"`
	BroadcastID    number            `json:"broadcast_id"`
	NewsletterID   number            `json:"newsletter_id"`
	ActionID       number            `json:"action_id"`
	ParentActionID number            `json:"parent_action_id"`
	ContentID      number            `json:"content_id"`
	TriggerEventID string            `json:"trigger_event_id"`
	Metrics        map[string]number `json:"metrics"`
}

func (m *message) delivery() Delivery {
	d := Delivery{
		ID: m.ID, ObjectType: webhook.ObjectType(m.Type), Created: unixTime(m.Created),
		CustomerID: m.CustomerID, Identifiers: webhook.Identifiers{ID: m.Identifiers.ID, Email: m.Identifiers.Email, CioID: m.Identifiers.CioID},
		Forgotten: m.Forgotten, Recipient: m.Recipient, Subject: m.Subject, FailureMessage: m.FailureMessage,
		CampaignID: int64(m.CampaignID), BroadcastID: int64(m.BroadcastID), NewsletterID: int64(m.NewsletterID),
		ActionID: int64(m.ActionID), ParentActionID: int64(m.ParentActionID), ContentID: int64(m.ContentID),
		TriggerEventID: m.TriggerEventID, Metrics: make(map[webhook.Metric]time.Time, len(m.Metrics)), Human: map[webhook.Metric]bool{},
	}
	if m.Type == "twilio" {
		d.ObjectType = webhook.SMS
	}
	for _, metric := range DeliveryMetrics() {
		if at := m.Metrics[string(metric)]; at > 0 {
			d.Metrics[metric] = unixTime(at)
		}
	}
	for _, metric := range []webhook.Metric{webhook.Opened, webhook.Clicked} {
		// A time or a number of events: Customer.io's description and examples differ.
		human, machine := m.Metrics["human_"+string(metric)] > 0, m.Metrics["prefetch_"+string(metric)] > 0
		if human || machine {
			d.Human[metric] = human
		}
	}
	return d
}

// DeliveryMetrics returns the metrics of a delivery that the App API lists.
func DeliveryMetrics() []webhook.Metric {
	return []webhook.Metric{
		webhook.Drafted, webhook.Sent, webhook.Delivered, webhook.Opened, webhook.Clicked, webhook.Converted, webhook.Bounced,
		webhook.Dropped, webhook.Failed, webhook.Spammed, webhook.Undeliverable, webhook.Unsubscribed,
	}
}

func unixTime(n number) time.Time { return time.Unix(int64(n), 0).UTC() }
