package warehouse

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
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
		CustomerID:             cmp.Or(e.CustomerID, e.Identifiers.ID),
		EmailAddress:           emailAddress(e),
		DeliveryID:             e.DeliveryID,
		CampaignID:             e.CampaignID,
		TemplateID:             e.TemplateID,
		Href:                   e.Href,
		Timestamp:              storableTime(e.OccurredAt),
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

// A Key is what makes an event one event.
type Key struct{ Workspace, EventID string }

// Key returns the row's key as it stands in the table.
func (r *Row) Key() Key {
	return Key{
		Workspace: strings.ToValidUTF8(r.Workspace, replacement),
		EventID:   strings.ToValidUTF8(r.EventID, replacement),
	}
}

// Check returns why no warehouse can store the row: a required column without
// a value, or a time outside the years 1 to 9999. Rows of NewRow pass when their
// Origin is complete and the event has a body.
func (r *Row) Check() error {
	switch {
	case r.EventID == "":
		return errors.New("row has no event_id")
	case r.Workspace == "":
		return errors.New("row has no workspace")
	case r.ReceivedAt.IsZero():
		return errors.New("row has no received_at")
	case len(r.Payload) == 0:
		return errors.New("row has no payload")
	case !storable(r.Timestamp):
		return fmt.Errorf("row's timestamp is in the year %d", r.Timestamp.Year())
	case !storable(r.ReceivedAt):
		return fmt.Errorf("row's received_at is in the year %d", r.ReceivedAt.Year())
	}
	return nil
}

// storableTime returns t, or the zero time for one that not every warehouse can
// hold: a body may name any second, and must be stored nevertheless.
func storableTime(t time.Time) time.Time {
	if !storable(t) {
		return time.Time{}
	}
	return t
}

func storable(t time.Time) bool {
	y := t.UTC().Year()
	return 1 <= y && y <= 9999
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
