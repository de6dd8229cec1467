package warehouse

import (
	"time"

	"github.com/cioevents/cioevents/pkg/webhook"
)

// A Row is one event's record. Empty text, the number 0, a zero time and a nil
// flag are NULL in the table.
type Row struct {
	EventID      string
	Metric       string
	CustomerID   string
	EmailAddress string
	DeliveryID   string
	CampaignID   int64
	TemplateID   string
	Href         string
	// Timestamp is when the event occurred. It is NULL when the body does not
	// say: a substitute would differ between two deliveries of one event.
	Timestamp time.Time
	// ReceivedAt is our clock, when ingest had read the call.
	ReceivedAt time.Time

	Workspace              string
	ObjectType             string
	CioID                  string
	Recipient              string
	Subject                string
	BroadcastID            int64
	NewsletterID           int64
	TransactionalMessageID int64
	ActionID               int64
	ParentActionID         int64
	ContentID              int64
	TriggerID              string
	TriggerEventID         string
	JourneyID              string
	LinkID                 int64
	TrackedResponse        string
	FailureMessage         string
	IsMachine              *bool
	Proxied                *bool
	Prefetched             *bool
	Synthetic              *bool
	// Shape is nested, flat or legacy: how the body was laid out.
	Shape string
	// StreamSequence is the message's place in the stream, 0 when unknown.
	StreamSequence uint64
	// Payload is the raw JSON.
	Payload []byte
}

// An Origin is what a row says of an event beyond its body.
type Origin struct {
	// EventID is the id under which the event was published, which stands in
	// for the body's when that has none.
	EventID    string
	Workspace  string
	ReceivedAt time.Time
	Sequence   uint64
}

// NewRow makes the row of an event.
func NewRow(e *webhook.Event, o Origin) Row {
	return Row{
		EventID:                o.EventID,
		Metric:                 string(e.Metric),
		CustomerID:             firstOf(e.CustomerID, e.Identifiers.ID),
		EmailAddress:           emailAddress(e),
		DeliveryID:             e.DeliveryID,
		CampaignID:             e.CampaignID,
		TemplateID:             e.TemplateID,
		Href:                   e.Href,
		Timestamp:              e.OccurredAt,
		ReceivedAt:             o.ReceivedAt,
		Workspace:              o.Workspace,
		ObjectType:             string(e.ObjectType),
		CioID:                  e.Identifiers.CioID,
		Recipient:              e.Recipient,
		Subject:                e.Subject,
		BroadcastID:            e.BroadcastID,
		NewsletterID:           e.NewsletterID,
		TransactionalMessageID: e.TransactionalMessageID,
		ActionID:               e.ActionID,
		ParentActionID:         e.ParentActionID,
		ContentID:              e.ContentID,
		TriggerID:              e.TriggerID,
		TriggerEventID:         e.TriggerEventID,
		JourneyID:              e.JourneyID,
		LinkID:                 e.LinkID,
		TrackedResponse:        e.TrackedResponse,
		FailureMessage:         e.FailureMessage,
		IsMachine:              e.IsMachine(),
		Proxied:                e.Proxied,
		Prefetched:             e.Prefetched,
		Synthetic:              e.Synthetic,
		Shape:                  string(e.Shape),
		StreamSequence:         o.Sequence,
		Payload:                e.Raw,
	}
}

// emailAddress is the address that the event is about: today's message events
// carry it as the recipient.
func emailAddress(e *webhook.Event) string {
	if e.EmailAddress != "" {
		return e.EmailAddress
	}
	if e.ObjectType == webhook.Email && e.Recipient != "" {
		return e.Recipient
	}
	return e.Identifiers.Email
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
