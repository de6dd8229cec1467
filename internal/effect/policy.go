package effect

import (
	"time"

	"github.com/cioevents/cioevents/pkg/webhook"
)

// maxSkew is how far an event may lie ahead of our clock and still be believed.
const maxSkew = 5 * time.Minute

// A Policy turns events into calls. The zero Policy suppresses.
type Policy struct {
	// Mode is what follows a bounce or a complaint; "" is ModeSuppress.
	Mode Mode
}

// SuppressionMetrics lists the metrics that Suppression acts on.
func SuppressionMetrics() []webhook.Metric {
	return []webhook.Metric{webhook.Bounced, webhook.Spammed, webhook.Subscribed, webhook.Unsubscribed}
}

// EngagementMetrics lists the metrics that Engagement acts on.
func EngagementMetrics() []webhook.Metric {
	return []webhook.Metric{webhook.Opened, webhook.Clicked}
}

// Suppression returns the calls for bounces, complaints, opt-outs and opt-ins,
// and none for anything else or when the event names nobody. Only e-mail can
// bounce or be complained about here: a dead push token says nothing about the
// person. An event without a time counts as of receivedAt.
func (p Policy) Suppression(e *webhook.Event, receivedAt time.Time) []Call {
	note, ok := identify(e, receivedAt)
	if !ok {
		return nil
	}
	email := e.ObjectType == webhook.Email
	switch {
	case email && e.Metric == webhook.Bounced:
		return p.bounced(e, note)
	case email && e.Metric == webhook.Spammed:
		note.Attributes["spam_complaint"] = true
		note.Attributes["spam_complaint_at"] = note.At.Unix()
		return p.stop(note)
	case e.Metric == webhook.Unsubscribed:
		note.Attributes["unsubscribed_at"] = note.At.Unix()
		// Customer.io reports its own change of the attribute as "customer".
		// To set it again could be reported again, in a circle.
		if e.ObjectType != webhook.Customer {
			note.Attributes["unsubscribed"] = true
		}
		return []Call{note}
	case e.Metric == webhook.Subscribed:
		note.Attributes["subscribed_at"] = note.At.Unix()
		return []Call{note}
	default:
		return nil
	}
}

// Engagement returns the call for an e-mail that was opened or clicked by a
// human, and none for anything else or when the event names nobody. Of several
// calls for one person the one with the latest At says it all. An event without
// a time counts as of receivedAt.
func (p Policy) Engagement(e *webhook.Event, receivedAt time.Time) []Call {
	if e.ObjectType != webhook.Email || e.Metric != webhook.Opened && e.Metric != webhook.Clicked {
		return nil
	}
	if machine := e.IsMachine(); machine != nil && *machine {
		return nil
	}
	note, ok := identify(e, receivedAt)
	if !ok {
		return nil
	}
	note.Attributes["last_email_engaged_at"] = note.At.Unix()
	note.Attributes["last_email_metric"] = string(e.Metric)
	return []Call{note}
}

func (p Policy) bounced(e *webhook.Event, note Call) []Call {
	class := ClassifyBounce(e.FailureMessage)
	note.Attributes["email_bounced"] = true
	note.Attributes["email_bounced_at"] = note.At.Unix()
	note.Attributes["email_bounce_class"] = string(class)
	note.Attributes["last_bounce_delivery_id"] = e.DeliveryID
	if class == BounceSoft {
		return []Call{note}
	}
	return p.stop(note)
}

// stop returns note and what keeps the person from getting more mail. The note
// comes first: after a suppression it would be lost.
func (p Policy) stop(note Call) []Call {
	switch p.Mode {
	case ModeOff:
		return []Call{note}
	case ModeUnsubscribe:
		note.Attributes["unsubscribed"] = true
		return []Call{note}
	default:
		return []Call{note, {Kind: Suppress, Person: note.Person, At: note.At}}
	}
}

// identify returns an Identify call without attributes for the event's person.
func identify(e *webhook.Event, receivedAt time.Time) (Call, bool) {
	person, ok := PersonOf(e)
	return Call{Kind: Identify, Person: person, At: occurredAt(e, receivedAt), Attributes: map[string]any{}}, ok
}

// occurredAt returns the event's time. A time that has not come yet is not
// believed: as At it would keep every later value off the profile until then.
func occurredAt(e *webhook.Event, receivedAt time.Time) time.Time {
	if e.OccurredAt.IsZero() || e.OccurredAt.After(receivedAt.Add(maxSkew)) {
		return receivedAt
	}
	return e.OccurredAt
}
