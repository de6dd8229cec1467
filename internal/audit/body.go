package audit

import (
	"encoding/json"
	"time"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// A body is an event of the shape webhook.Backfill.
type body struct {
	EventID    string             `json:"event_id"`
	ObjectType webhook.ObjectType `json:"object_type"`
	Metric     webhook.Metric     `json:"metric"`
	Timestamp  int64              `json:"timestamp"`
	Data       data               `json:"data"`
}

// data has the fields of a delivery that a webhook would have, too.
type data struct {
	CustomerID           string      `json:"customer_id,omitempty"`
	Identifiers          identifiers `json:"identifiers"`
	DeliveryID           string      `json:"delivery_id"`
	Recipient            string      `json:"recipient,omitempty"`
	Subject              string      `json:"subject,omitempty"`
	CampaignID           int64       `json:"campaign_id,omitempty"`
	BroadcastID          int64       `json:"broadcast_id,omitempty"`
	NewsletterID         int64       `json:"newsletter_id,omitempty"`
	TransactionalMessage string      `json:"transactional_message_id,omitempty"`
	ActionID             int64       `json:"action_id,omitempty"`
	ParentActionID       int64       `json:"parent_action_id,omitempty"`
	ContentID            int64       `json:"content_id,omitempty"`
	TriggerEventID       string      `json:"trigger_event_id,omitempty"`
	FailureMessage       string      `json:"failure_message,omitempty"`
	Prefetched           *bool       `json:"prefetched,omitempty"`
	Machine              *bool       `json:"machine,omitempty"`
}

type identifiers struct {
	ID    string `json:"id,omitempty"`
	Email string `json:"email,omitempty"`
	CioID string `json:"cio_id,omitempty"`
}

// message returns the backfilled event of a gap. The body depends on the delivery alone, so
// that a repeated backfill makes the same event.
func (g *Gap) message(workspace string, now time.Time) (*event.Message, error) {
	d := g.Delivery
	b := body{
		EventID:    webhook.BackfillPrefix + d.ID + ":" + string(g.Metric),
		ObjectType: d.ObjectType, Metric: g.Metric, Timestamp: g.At.Unix(),
		Data: data{
			CustomerID: d.CustomerID, Identifiers: identifiers{d.Identifiers.ID, d.Identifiers.Email, d.Identifiers.CioID},
			DeliveryID: d.ID, Recipient: d.Recipient, Subject: d.Subject,
			CampaignID: d.CampaignID, BroadcastID: d.BroadcastID, NewsletterID: d.NewsletterID,
			ActionID: d.ActionID, ParentActionID: d.ParentActionID, ContentID: d.ContentID, TriggerEventID: d.TriggerEventID,
		},
	}
	if g.Source == "transactional" { // the App API does not list the id; another row of the delivery has told it
		b.Data.TransactionalMessage = g.SourceID
	}
	b.Data.detail(g)
	text, err := json.Marshal(b)
	if err != nil {
		return nil, err
	}
	m := &event.Message{Workspace: workspace, ReceivedAt: now, Body: text}
	err = m.Index()
	return m, err
}

// detail sets what belongs to the metric.
func (d *data) detail(g *Gap) {
	human, known := g.Delivery.Human[g.Metric]
	switch g.Metric {
	case webhook.Bounced, webhook.Dropped, webhook.Failed, webhook.Undeliverable:
		d.FailureMessage = g.Delivery.FailureMessage
	case webhook.Opened:
		if known {
			d.Prefetched = new(!human)
		}
	case webhook.Clicked:
		if known {
			d.Machine = new(!human)
		}
	default:
	}
}
