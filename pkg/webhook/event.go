package webhook

import (
	"strings"
	"time"
)

// An ObjectType is the kind of message or person that an event is about. Parse keeps
// an unknown object type, trimmed and in lower case.
type ObjectType string

// The object types of Customer.io's reporting webhooks.
const (
	Customer ObjectType = "customer"
	Email    ObjectType = "email"
	Push     ObjectType = "push"
	InApp    ObjectType = "in_app"
	SMS      ObjectType = "sms"
	WhatsApp ObjectType = "whatsapp"
	Slack    ObjectType = "slack"
	Webhook  ObjectType = "webhook"
)

// ObjectTypes returns the object types above in alphabetical order.
func ObjectTypes() []ObjectType {
	return []ObjectType{Customer, Email, InApp, Push, Slack, SMS, Webhook, WhatsApp}
}

// A Metric is what happened to a message or a person. Parse keeps an unknown metric,
// trimmed and in lower case.
type Metric string

// The metrics of Customer.io's reporting webhooks.
const (
	Attempted          Metric = "attempted" // the provider did not take the message, Customer.io retries
	Bounced            Metric = "bounced"
	Clicked            Metric = "clicked"
	Converted          Metric = "converted"
	Deferred           Metric = "deferred"
	Delivered          Metric = "delivered"
	Drafted            Metric = "drafted"
	Dropped            Metric = "dropped" // the address or device is on a suppression list
	Failed             Metric = "failed"
	Opened             Metric = "opened"
	PreferencesChanged Metric = "cio_subscription_preferences_changed"
	Replied            Metric = "replied"
	Sent               Metric = "sent"
	Spammed            Metric = "spammed" // also spelled "complained"
	Subscribed         Metric = "subscribed"
	Undeliverable      Metric = "undeliverable" // message limit, cancelled, or delivery switched off
	Unsubscribed       Metric = "unsubscribed"
)

// Metrics returns the metrics above in alphabetical order of their names.
func Metrics() []Metric {
	return []Metric{
		Attempted, Bounced, PreferencesChanged, Clicked, Converted, Deferred, Delivered, Drafted, Dropped, Failed,
		Opened, Replied, Sent, Spammed, Subscribed, Undeliverable, Unsubscribed,
	}
}

// A Shape is the layout of a body.
type Shape string

// The shapes that Parse reads.
const (
	Nested Shape = "nested" // current: event_id, object_type, metric, timestamp and data
	Flat   Shape = "flat"   // all fields on the top level
	Legacy Shape = "legacy" // before 2020: event_type instead of object_type and metric
	// Backfill is Nested with an event_id that begins with BackfillPrefix: no webhook has told
	// of the event.
	Backfill Shape = "backfill"
)

// BackfillPrefix begins the event_id of an event that cioctl backfill has made from a
// delivery in Customer.io's App API. The rest is the delivery_id, a colon and the metric.
const BackfillPrefix = "backfill:"

// Unreadable is the Shape of an Event of Handler whose body is no JSON object: the event
// has Raw and nothing else. Parse returns an error instead.
const Unreadable Shape = "unreadable"

// An Event is the decoded body of one reporting webhook.
//
// Every field is optional: Customer.io's own examples lack fields that Customer.io's
// schema requires. An absent text is "", an absent or unreadable number is 0
// (Customer.io's ids begin at 1), an absent flag is nil and an absent time is the zero
// time. Raw contains the members that Event has no field for.
type Event struct {
	// ID is event_id, currently a ULID. A repeated call has the same id.
	ID string
	// ObjectType is "" if the body neither names nor implies an object type.
	ObjectType ObjectType
	Metric     Metric
	// OccurredAt is timestamp, in UTC: the time of the event, not of the call.
	// Customer.io sends whole seconds.
	OccurredAt time.Time
	Shape      Shape

	// The person.

	// CustomerID is deprecated by Customer.io in favour of Identifiers. A deleted
	// person has a blank CustomerID.
	CustomerID  string
	Identifiers Identifiers
	// EmailAddress is set for subscription events only; a message has a Recipient.
	EmailAddress string

	// The message.

	DeliveryID string
	// Recipient is an e-mail address, a phone number, a Slack channel, a URL or an
	// id, depending on ObjectType. A push has Recipients instead. An array or an object
	// is kept as JSON.
	Recipient  string
	Recipients []Recipient
	Subject    string // email only

	// The origin of the message: a campaign, a broadcast, a newsletter or a
	// transactional message.

	CampaignID   int64
	BroadcastID  int64
	NewsletterID int64
	// TransactionalMessageID is 0 for a message that the body identifies by a name.
	TransactionalMessageID int64
	// TransactionalMessage is transactional_message_id as a text, a number or a name.
	TransactionalMessage string
	ActionID             int64
	ParentActionID       int64
	ContentID            int64
	TemplateID           string // flat and legacy shapes only
	TriggerID            string
	TriggerEventID       string
	JourneyID            string

	// The details of what happened.

	Href            string
	LinkID          int64
	LinkName        string // a link_id that is a text and no number
	TrackedResponse string // the action of an in-app click
	FailureMessage  string
	InboundEventID  string // replied only
	To              string // replied only

	// Proxied marks an open through a privacy proxy, by a person or by a machine.
	Proxied *bool
	// Prefetched marks an open by a machine: Gmail, Apple or a known robot.
	Prefetched *bool
	// Synthetic marks an open that Customer.io inferred from a click.
	Synthetic *bool
	// Machine marks a click by a machine.
	Machine *bool

	// Content is the body of the message. Sent events have Content and Headers
	// while "Body Content" is switched on at Customer.io. For PreferencesChanged,
	// Content is a JSON document.
	Content string
	Headers map[string][]string // email only

	// Raw is the parsed body. Raw shares its memory with Parse's argument.
	Raw []byte
}

// Identifiers are the identifiers of a person. A workspace may use only some of them.
type Identifiers struct {
	ID    string
	Email string
	Phone string // in E.164 format, in workspaces that identify people by phone number
	// CioID is Customer.io's own id of the person and never changes. Customer.io sends
	// it without the prefix cio_ of the Track API.
	CioID string
}

// A Recipient is one device of a push message.
type Recipient struct {
	DeviceID       string
	DevicePlatform string // "ios" or "android"
	FailureMessage string // bounced and dropped only
}

// IsMachine reports whether a machine opened or clicked, according to Customer.io: it
// returns Prefetched if set, else Machine, which is nil when the event does not say.
func (e *Event) IsMachine() *bool {
	if e.Prefetched != nil {
		return e.Prefetched
	}
	return e.Machine
}

// BounceClass returns the class of a Bounced event by its FailureMessage, and "" for
// other events. A flat body without a failure message is a hard bounce, because the flat
// shape has no field for a reason. Another body without a failure message is
// BounceUnknown: its sender had a field and left the field empty.
func (e *Event) BounceClass() BounceClass {
	switch {
	case e.Metric != Bounced:
		return ""
	case e.Shape == Flat && strings.TrimSpace(e.FailureMessage) == "":
		return BounceHard
	default:
		return ClassifyBounce(e.FailureMessage)
	}
}
