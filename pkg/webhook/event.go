package webhook

import "time"

// An ObjectType says what an event is about. Words that this package does not
// know are kept, trimmed and in lower case.
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

// ObjectTypes lists the object types above in the order of the alphabet.
func ObjectTypes() []ObjectType {
	return []ObjectType{Customer, Email, InApp, Push, Slack, SMS, Webhook, WhatsApp}
}

// A Metric says what happened. Words that this package does not know are kept,
// trimmed and in lower case.
type Metric string

// The metrics of Customer.io's reporting webhooks.
const (
	Attempted          Metric = "attempted" // could not be handed to the provider, is tried again
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
	Spammed            Metric = "spammed" // "complained" is read as this, too
	Subscribed         Metric = "subscribed"
	Undeliverable      Metric = "undeliverable" // message limit, cancelled, or delivery switched off
	Unsubscribed       Metric = "unsubscribed"
)

// Metrics lists the metrics above in the order of the alphabet.
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
	Nested Shape = "nested" // today's: event_id, object_type, metric, timestamp and data
	Flat   Shape = "flat"   // all fields on the top level
	Legacy Shape = "legacy" // before 2020: event_type instead of object_type and metric
)

// An Event is the decoded body of one reporting webhook.
//
// Every field is optional: Customer.io's own examples leave out fields that its
// schema calls required. Text that is absent is "", a number that is absent or
// cannot be read as one is 0 (Customer.io's ids begin at 1), a flag is nil, a
// time is zero. Raw has what the fields leave out.
type Event struct {
	// ID is event_id, a ULID today. Customer.io sends the same id again when it
	// repeats a call.
	ID string
	// ObjectType is "" where the body names none and its shape implies none.
	ObjectType ObjectType
	Metric     Metric
	// OccurredAt is timestamp, in UTC: when the event happened, not when the
	// call was made. Customer.io sends whole seconds.
	OccurredAt time.Time
	Shape      Shape

	// The person.

	// CustomerID is deprecated by Customer.io in favour of Identifiers, and
	// blank for a person who has been deleted.
	CustomerID  string
	Identifiers Identifiers
	// EmailAddress is sent with subscription events only; messages carry
	// Recipient.
	EmailAddress string

	// The message.

	DeliveryID string
	// Recipient is an e-mail address, a phone number, a Slack channel, a URL or
	// an id, by ObjectType. A push has Recipients instead.
	Recipient  string
	Recipients []Recipient
	Subject    string // email only

	// Where the message came from: a campaign, a broadcast, a newsletter or a
	// transactional message.

	CampaignID             int64
	BroadcastID            int64
	NewsletterID           int64
	TransactionalMessageID int64
	ActionID               int64
	ParentActionID         int64
	ContentID              int64
	TemplateID             string // flat and legacy shapes only
	TriggerID              string
	TriggerEventID         string
	JourneyID              string

	// What happened.

	Href            string
	LinkID          int64
	TrackedResponse string // the action of an in-app click
	FailureMessage  string
	InboundEventID  string // replied only
	To              string // replied only

	// Proxied is an open through a privacy proxy, not necessarily a machine's.
	Proxied *bool
	// Prefetched is an open by a machine: Gmail, Apple or a known robot.
	Prefetched *bool
	// Synthetic is an open that Customer.io concluded from a click.
	Synthetic *bool
	// Machine is a click by a machine.
	Machine *bool

	// Content is the message's body. It and Headers are there in sent events
	// while "Body Content" is on, and Content holds a JSON document in
	// cio_subscription_preferences_changed.
	Content string
	Headers map[string][]string // email only

	// Raw is the body that was parsed. It shares its memory with Parse's input.
	Raw []byte
}

// Identifiers are the ids of a person, as many as the workspace uses.
type Identifiers struct {
	ID    string
	Email string
	// CioID is Customer.io's own id of the person, which never changes.
	CioID string
}

// A Recipient is one device of a push message.
type Recipient struct {
	DeviceID       string
	DevicePlatform string // "ios" or "android"
	FailureMessage string // bounced and dropped only
}

// IsMachine reports whether a machine opened or clicked, by what Customer.io
// says of it: prefetched opens and machine clicks. It returns nil when the
// event does not say.
func (e *Event) IsMachine() *bool {
	switch {
	case e.Prefetched != nil:
		return e.Prefetched
	default:
		return e.Machine
	}
}
