package warehouse

import "slices"

// A View is one view of the data dictionary: every warehouse has a view with this name,
// these columns in this order, and the same numbers.
type View struct {
	Name string
	// About says what one row is.
	About   string
	Columns []Column
}

// Dictionary returns all views in an order that allows to create them one after the
// other.
func Dictionary() []View { return slices.Clone(dictionary) }

var dictionary = []View{
	{Deliveries, "A row is a delivery: one message to one person. An event without delivery_id or without timestamp belongs to no delivery.", deliveryColumns},
	{Daily, "A row is a message on the day on which it was sent. What happens to a delivery later counts on the day of the delivery, as in Customer.io.", slices.Concat(dailyKey, deliveryCounts)},
	{Messages, "A row is a message of a campaign, broadcast, newsletter or transactional message, with its deliveries and rates.", slices.Concat(messageKey, deliveryCounts, rates)},
	{ActivityDaily, "A row is a message on a day of its events. A delivery that is opened on two days counts on both.", slices.Concat(dailyKey, activityCounts)},
	{TimeToOpen, "A row is a message: the seconds from delivered_at, else sent_at, to the first human open, 0 at least.", slices.Concat(messageKey, openTimes)},
	{Links, "A row is a link of a message: by link_id or link_name, else by url.", slices.Concat(messageKey, linkColumns)},
	{Bounces, "A row is a reason for which a message bounced at a domain on a day.", slices.Concat(dailyKey, bounceColumns)},
	{Preferences, "A row is a topic in a change of a person's subscription preferences.", preferenceColumns},
	{PipelineLatency, "A row is an hour in which events were received.", latencyColumns},
	{MailboxDaily, "A row is a mailbox provider on the day on which e-mails were sent to its mailboxes.", mailboxColumns},
	{MessageHealth, "A row is an e-mail message at a mailbox provider, with the measures that providers judge a sender by.", slices.Concat(messageKey, healthColumns)},
	{SentAfterOptout, "A row is a promotional delivery sent more than 48 hours after the person opted out, complained or bounced, without a later subscribe.", optoutColumns},
}

// messageKey identifies a message.
var messageKey = []Column{
	column("workspace", Text, "The Customer.io workspace"),
	column("object_type", Text, "What was sent: email, push, in_app, sms, whatsapp, slack or webhook"),
	column("source", Text, "What sent the message: campaign (Customer.io's pages say automation), broadcast, newsletter (one-time send) or transactional. NULL for none"),
	column("source_id", Text, "The id of the source as a text. A transactional message may have a name"),
	column("action_id", Integer, "The message within its campaign or broadcast"),
	column("content_id", Integer, "The variant, of an A/B test for example"),
	column("name", Text, "The message's name from customerio_names, NULL for an unknown name"),
}

var dailyKey = slices.Insert(slices.Clone(messageKey), 1,
	column("day", Date, "The day in the time zone of customerio_settings"))

var deliveryColumns = []Column{
	messageKey[0],
	column("delivery_id", Text, "Customer.io's id of the delivery"),
	messageKey[1], messageKey[2], messageKey[3], messageKey[4], messageKey[5],
	column("customer_id", Text, "The person's id in the workspace"),
	column("recipient_domain", Text, "The domain of an e-mail's recipient, in lower case. drafted and attempted events name no recipient"),
	column("mailbox_provider", Text, "The mailbox provider of recipient_domain: gmail, microsoft, yahoo, apple or other"),
	column("sent_at", Timestamp, "The first sent event"),
	column("delivered_at", Timestamp, "The first delivered event"),
	column("human_opened_at", Timestamp, "The first human open: an opened event that is neither a machine's nor synthetic, or a human click"),
	column("human_clicked_at", Timestamp, "The first human click: a clicked event that is not a machine's"),
	column("converted_at", Timestamp, "The first converted event"),
	column("bounced_at", Timestamp, "The first bounced event"),
	column("bounce_class", Text, "The class of the last bounce: hard, soft or unknown"),
	column("unsubscribed_at", Timestamp, "The first unsubscribed event"),
	column("complained_at", Timestamp, "The first spammed event"),
	column("outcome", Text, "By the last outcome event: delivered, hard, soft, unknown (bounces), dropped, failed or undeliverable. pending without one. In the same second a bounce wins, then a failure"),
	column("human_opens", Integer, "Human opened events. A click without an opened event leaves 0"),
	column("human_clicks", Integer, "Human clicked events"),
	column("fast_click", Boolean, "Whether the first human click came within 2 s of delivered_at, as robots click. NULL without both times"),
	column("first_event_at", Timestamp, "The first event of any metric"),
	column("last_event_at", Timestamp, "The last event of any metric"),
	column("deferred_at", Timestamp, "The first deferred event"),
	column("failure_message", Text, "Why the delivery bounced or failed, by the last such event with a reason"),
	column("day", Date, "The day of sent_at, else of first_event_at, in the time zone of customerio_settings"),
}

// deliveryCounts are numbers of deliveries, which add up over rows.
var deliveryCounts = []Column{
	column("deliveries", Integer, "All deliveries"),
	column("sent", Integer, "Deliveries with a sent event"),
	column("delivered", Integer, "Deliveries with the outcome delivered. A soft bounce that was delivered later is delivered"),
	column("hard_bounces", Integer, "Deliveries with the outcome hard"),
	column("soft_bounces", Integer, "Deliveries with the outcome soft"),
	column("unknown_bounces", Integer, "Deliveries with the outcome unknown: nobody can read the reason"),
	column("failed", Integer, "Deliveries with the outcome dropped, failed or undeliverable"),
	column("human_opens", Integer, "Deliveries with a human open or a human click"),
	column("human_clicks", Integer, "Deliveries with a human click"),
	column("conversions", Integer, "Deliveries with a conversion"),
	column("unsubscribes", Integer, "Deliveries with an unsubscribe"),
	column("complaints", Integer, "Deliveries reported as spam"),
	column("complaints_outside_gmail", Integer, "E-mails outside Gmail reported as spam: the numerator of complaint_rate. Gmail reports no complaints, but a forwarder of a mailbox at Gmail may"),
	column("delivered_outside_gmail", Integer, "Delivered e-mails outside Gmail, which reports no complaints: the denominator of complaint_rate"),
}

// rates are of deliveries, never of events. Messages whose opens or clicks are not tracked
// count as unopened, because webhooks do not tell.
var rates = []Column{
	column("delivery_rate", Float, "delivered of sent. NULL for in_app, slack and webhook, of which Customer.io reports no arrival"),
	column("open_rate", Float, "human_opens of delivered"),
	column("click_rate", Float, "human_clicks of delivered"),
	column("click_to_open_rate", Float, "human_clicks of human_opens"),
	column("bounce_rate", Float, "hard_bounces of sent. NULL where delivery_rate is always NULL"),
	column("complaint_rate", Float, "complaints_outside_gmail of delivered_outside_gmail. NULL for Gmail alone: see Google's Postmaster Tools"),
	column("unsubscribe_rate", Float, "unsubscribes of delivered"),
}
