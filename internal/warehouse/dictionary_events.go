package warehouse

import "slices"

// activityCounts are numbers of deliveries with an event on the day.
var activityCounts = []Column{
	column("sent", Integer, "Deliveries with a sent event on the day"),
	column("delivered", Integer, "Deliveries with a delivered event on the day"),
	column("hard_bounces", Integer, "Deliveries with a hard bounce on the day, whatever followed"),
	column("soft_bounces", Integer, "Deliveries with a soft bounce on the day, whatever followed"),
	column("unknown_bounces", Integer, "Deliveries with another bounce on the day, whatever followed"),
	column("failed", Integer, "Deliveries with a dropped, failed or undeliverable event on the day"),
	column("human_opens", Integer, "Deliveries with a human open or a human click on the day"),
	column("human_clicks", Integer, "Deliveries with a human click on the day"),
	column("conversions", Integer, "Deliveries with a conversion on the day"),
	column("unsubscribes", Integer, "Deliveries with an unsubscribe on the day"),
	column("complaints", Integer, "Deliveries reported as spam on the day"),
	column("events", Integer, "All events, those without a delivery too. Events without timestamp have no day"),
}

var openTimes = []Column{
	column("opened_deliveries", Integer, "Deliveries with a human open and a time before it"),
	column("p50_seconds", Float, "The median"),
	column("p90_seconds", Float, "90 % opened within this time"),
	column("p99_seconds", Float, "99 % opened within this time"),
}

var linkColumns = []Column{
	column("link_id", Integer, "The link's number within the message"),
	column("link_name", Text, "The link's name, when Customer.io names the link and does not number it"),
	column("url", Text, "Where the link leads, without query and fragment. … replaces what differs between people"),
	column("human_clicks", Integer, "Human clicked events"),
	column("clicked_deliveries", Integer, "Deliveries with a human click on the link"),
	column("people", Integer, "Different customer_id that clicked the link"),
}

var bounceColumns = []Column{
	column("recipient_domain", Text, "The domain of the recipient, in lower case"),
	column("mailbox_provider", Text, "The mailbox provider of recipient_domain"),
	column("bounce_class", Text, "hard, soft or unknown"),
	column("failure_message", Text, "The reason, as the mailbox provider words it"),
	column("bounces", Integer, "Bounced events on the day, several for a delivery that bounced again. Bounced deliveries are in customerio_messages"),
}

var preferenceColumns = []Column{
	messageKey[0],
	column("day", Date, "The day of changed_at in the time zone of customerio_settings"),
	column("changed_at", Timestamp, "When the preferences changed"),
	column("event_id", Text, "The event of the change"),
	column("customer_id", Text, "The person's id in the workspace"),
	column("cio_id", Text, "Customer.io's own id of the person"),
	column("topic", Text, "The topic, such as topic_7"),
	column("subscribed", Boolean, "Whether the person receives the topic after the change"),
}

var latencyColumns = []Column{
	column("hour", Timestamp, "The beginning of the hour in UTC, by received_at"),
	column("events", Integer, "Events received in the hour, each once"),
	column("p50_ms", Float, "The median of the milliseconds from timestamp to received_at"),
	column("p90_ms", Float, "90 % of the events arrived within this time"),
	column("p99_ms", Float, "99 % of the events arrived within this time"),
}

var mailboxColumns = []Column{
	messageKey[0],
	column("day", Date, "The day of sending, in the time zone of customerio_settings"),
	column("mailbox_provider", Text, "gmail, microsoft, yahoo, apple or other"),
	column("deliveries", Integer, "All deliveries"),
	column("sent", Integer, "Deliveries with a sent event"),
	column("delivered", Integer, "Deliveries with the outcome delivered"),
	column("hard_bounces", Integer, "Deliveries with the outcome hard"),
	column("soft_bounces", Integer, "Deliveries with the outcome soft"),
	column("unknown_bounces", Integer, "Deliveries with the outcome unknown"),
	column("blocked", Integer, "Deliveries that the provider refused because of the sender or the content, unauthenticated ones too"),
	column("unauthenticated", Integer, "Deliveries that the provider refused because the sender is not authenticated"),
	column("deferred", Integer, "Deliveries with a deferred event"),
	column("complaints", Integer, "Deliveries reported as spam. Gmail reports none, but a forwarder may"),
	column("unsubscribes", Integer, "Deliveries with an unsubscribe"),
	column("human_opens", Integer, "Deliveries with a human open or a human click"),
	column("human_clicks", Integer, "Deliveries with a human click"),
	column("p95_delivery_seconds", Float, "95 % of the delivered were delivered within this time after sent_at"),
}

var healthColumns = []Column{
	column("mailbox_provider", Text, "gmail, microsoft, yahoo, apple or other, or all for the message as a whole: do not add rows of all to the others"),
	column("sent", Integer, "Deliveries with a sent event"),
	column("delivered", Integer, "Deliveries with the outcome delivered"),
	column("hard_bounces", Integer, "Deliveries with the outcome hard"),
	column("blocked", Integer, "Deliveries that the provider refused because of the sender or the content, unauthenticated ones too"),
	column("unauthenticated", Integer, "Deliveries that the provider refused because the sender is not authenticated"),
	column("complaints", Integer, "Deliveries reported as spam"),
	column("complaints_outside_gmail", Integer, "Deliveries outside Gmail reported as spam: the numerator of complaint_rate. Gmail reports no complaints, but a forwarder of a mailbox at Gmail may"),
	column("delivered_outside_gmail", Integer, "Delivered outside Gmail, which reports no complaints: the denominator of complaint_rate"),
	column("bounce_rate", Float, "hard_bounces of sent"),
	column("blocked_rate", Float, "blocked of sent"),
	column("complaint_rate", Float, "complaints_outside_gmail of delivered_outside_gmail, NULL for gmail: see Google's Postmaster Tools"),
	column("bounce_status", Text, "ok, warn, bad, or few for too few deliveries to judge"),
	column("blocked_status", Text, "ok, warn, bad or few"),
	column("authentication_status", Text, "ok, warn or bad"),
	column("complaint_status", Text, "ok, warn, bad or few. NULL for gmail"),
	column("status", Text, "bad or warn by the worst of the statuses, ok if a rate could be judged, else few"),
}

var optoutColumns = slices.Concat(dailyKey, []Column{
	column("delivery_id", Text, "The delivery that should not have been sent"),
	column("customer_id", Text, "The person's id in the workspace"),
	column("sent_at", Timestamp, "When the message was sent"),
	column("opted_out_at", Timestamp, "When the person opted out"),
	column("reason", Text, "unsubscribed, complained or hard_bounce"),
	column("hours_after", Float, "Hours from opted_out_at to sent_at"),
})

func column(name string, t Type, about string) Column {
	return Column{Name: name, Type: t, About: about}
}
