package warehouse

import (
	"time"
	"unsafe"
)

// columns maps the fields of a row to columns. A new column needs one line here.
var columns = []Column{
	required(text("event_id", "Customer.io's id of the event, or the SHA-256 of a body without one. Workspace, event_id and metric together identify an event", func(r *Row) string { return r.EventID })),
	text("metric", "What happened: sent, delivered, opened, clicked, bounced …", func(r *Row) string { return string(r.Metric) }),
	personal(Text, "customer_id", "The person's id in the workspace: identifiers.id, else the deprecated customer_id", func(r *Row) *string { return &r.PersonID }),
	personal(Text, "email_address", "The e-mail address that the event is about, without a display name. recipient has the text as sent", func(r *Row) *string { return &r.Address }),
	text("delivery_id", "One message to one person", func(r *Row) string { return r.DeliveryID }),
	integer("campaign_id", "The campaign that the message belongs to", func(r *Row) int64 { return r.CampaignID }),
	text("template_id", "The template, in bodies of the flat and legacy shapes only", func(r *Row) string { return r.TemplateID }),
	personal(Text, "href", "The link that was clicked", func(r *Row) *string { return &r.Href }),
	instant("timestamp", "When the event occurred, by Customer.io's clock, in seconds. NULL when the body does not say", func(r *Row) time.Time { return r.Timestamp }),
	required(instant("received_at", "When the webhook call arrived, by the receiver's clock", func(r *Row) time.Time { return r.ReceivedAt })),

	required(text("workspace", "The Customer.io workspace whose key signed the call", func(r *Row) string { return r.Workspace })),
	text("object_type", "What the event is about: email, push, in_app, sms, whatsapp, slack, webhook or customer", func(r *Row) string { return string(r.ObjectType) }),
	personal(Text, "cio_id", "Customer.io's own id of the person, which never changes", func(r *Row) *string { return &r.Identifiers.CioID }),
	personal(Text, "recipient", "An e-mail address, a phone number, a Slack channel, a URL or an id, by object type", func(r *Row) *string { return &r.Recipient }),
	personal(Text, "subject", "The e-mail's subject", func(r *Row) *string { return &r.Subject }),
	integer("broadcast_id", "The API-triggered broadcast that the message belongs to", func(r *Row) int64 { return r.BroadcastID }),
	integer("newsletter_id", "The newsletter that the message belongs to", func(r *Row) int64 { return r.NewsletterID }),
	integer("transactional_message_id", "The number of the transactional message. NULL for a message with a name, which transactional_message has", func(r *Row) int64 { return r.TransactionalMessageID }),
	integer("action_id", "The message within its campaign or broadcast", func(r *Row) int64 { return r.ActionID }),
	integer("parent_action_id", "The action above it, such as a randomised split", func(r *Row) int64 { return r.ParentActionID }),
	integer("content_id", "The variant of a newsletter", func(r *Row) int64 { return r.ContentID }),
	text("trigger_id", "The call that triggered a broadcast", func(r *Row) string { return r.TriggerID }),
	text("trigger_event_id", "The event that triggered a campaign", func(r *Row) string { return r.TriggerEventID }),
	text("journey_id", "The person's way through a campaign or broadcast", func(r *Row) string { return r.JourneyID }),
	integer("link_id", "The number of the link within the message. NULL for a link with a name, which link_name has", func(r *Row) int64 { return r.LinkID }),
	text("tracked_response", "The action of an in-app click", func(r *Row) string { return r.TrackedResponse }),
	personal(Text, "failure_message", "Why a message bounced, failed or was dropped. For a push, the reason of the first device", func(r *Row) *string { return &r.FailureMessage }),
	boolean("is_machine", "Whether a machine opened or clicked. NULL when the event does not say, which counts as a person", func(r *Row) *bool { return r.ByMachine }),
	boolean("proxied", "An open through a privacy proxy, not necessarily a machine's", func(r *Row) *bool { return r.Proxied }),
	boolean("prefetched", "An open by Gmail, Apple or a known robot", func(r *Row) *bool { return r.Prefetched }),
	boolean("synthetic", "An open that was concluded from a click", func(r *Row) *bool { return r.Synthetic }),
	text("shape", "How the body was laid out: nested, flat or legacy. backfill for an event that no webhook has told of: cioctl backfill has made it", func(r *Row) string { return string(r.Shape) }),
	integer("stream_sequence", "The message's place in the stream", func(r *Row) int64 { return int64(r.Sequence) }),
	required(payload("payload", "The body as it was received, except for the changes that payload_altered tells", func(r *Row) []byte { return r.Raw })),

	text("source", "What sent the message: campaign, broadcast, newsletter or transactional", func(r *Row) string { return r.Source }),
	text("source_id", "The id of the source: campaign_id, broadcast_id, newsletter_id or transactional_message, as a text", func(r *Row) string { return r.SourceID }),
	text("transactional_message", "The transactional message: the number of transactional_message_id as a text, or a name", func(r *Row) string { return r.TransactionalMessage }),
	personal(Text, "link_name", "The link within the message, when Customer.io names the link and does not number it", func(r *Row) *string { return &r.LinkName }),
	text("bounce_class", "Class of a bounce by its failure_message: hard, soft or unknown. A flat body without a reason is hard. NULL for other metrics, and in rows that were stored before the column existed and not backfilled", func(r *Row) string { return r.Bounce }),
	text("recipient_domain", "The domain of an e-mail event's email_address, in lower case", func(r *Row) string { return r.Domain }),
	text("mailbox_provider", "The mailbox provider of recipient_domain: gmail, microsoft, yahoo, apple or other", func(r *Row) string { return r.Provider }),
	personal(Text, "identifier_email", "The person's own e-mail address, which may differ from the address that a message went to", func(r *Row) *string { return &r.Identifiers.Email }),
	personal(JSON, "recipients", "The devices of a push: a list of device_id, device_platform and failure_message", func(r *Row) *string { return &r.RecipientList }),
	text("inbound_event_id", "The event of the message that a person replied with", func(r *Row) string { return r.InboundEventID }),
	personal(Text, "reply_to_number", "The number that a person replied to", func(r *Row) *string { return &r.To }),
	personal(JSON, "preferences", "The person's subscription preferences after the change, as Customer.io sent them", func(r *Row) *string { return &r.Preferences }),
	boolean("payload_altered", "TRUE when payload is not the body as it was received, because the warehouse refuses the body's JSON: U+FFFD replaces half a surrogate pair and bytes that are not UTF-8, and in BigQuery a text replaces a number that is not an integer of 64 bits. Also TRUE when the policy of PRIVACY_FILE changed the payload. The stream has the body. NULL for an unchanged payload", func(r *Row) *bool { return r.PayloadAltered }),
	instant("erased_at", "When the person's data was removed from the row on request. NULL for a row with its data", func(r *Row) time.Time { return r.ErasedAt }),
}

func text(name, about string, of func(*Row) string) Column {
	return Column{Name: name, Type: Text, About: about, text: of}
}

func integer(name, about string, of func(*Row) int64) Column {
	return Column{Name: name, Type: Integer, About: about, integer: of}
}

func boolean(name, about string, of func(*Row) *bool) Column {
	return Column{Name: name, Type: Boolean, About: about, boolean: of}
}

func instant(name, about string, of func(*Row) time.Time) Column {
	return Column{Name: name, Type: Timestamp, About: about, instant: of}
}

// payload reads the bytes as a string without a copy: copying the body would be the
// largest cost of a row.
func payload(name, about string, of func(*Row) []byte) Column {
	return Column{Name: name, Type: JSON, About: about, text: func(r *Row) string {
		b := of(r)
		return unsafe.String(unsafe.SliceData(b), len(b))
	}}
}

func required(c Column) Column {
	c.Required = true
	return c
}

// personal is a column whose values tell who a person is, or are about the person.
func personal(t Type, name, about string, field func(*Row) *string) Column {
	return Column{Name: name, Type: t, About: about, Personal: true, field: field}
}
