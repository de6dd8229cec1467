package effect

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/cioevents/cioevents/pkg/webhook"
)

// A value is a literal or a reference to a field of the event.
type value struct {
	literal any    // string, bool or int64
	field   string // "" for a literal
}

// An occurrence is an event with its derived facts and time.
type occurrence struct {
	event *webhook.Event
	facts facts
	at    time.Time
}

// resolve sets the attributes to their values for the event.
func (o *occurrence) resolve(list []assignment, attributes map[string]any) {
	for _, a := range list {
		attributes[a.name] = a.value.of(o)
	}
}

// of returns the value for an event. A field that the event lacks gives "", which
// clears the attribute: the value of an earlier event would be wrong.
func (v value) of(o *occurrence) any {
	if v.field == "" {
		return v.literal
	}
	switch x := fields[v.field](o).(type) {
	case string:
		return cut(x)
	case int64:
		if x == 0 {
			return ""
		}
		return x
	case *bool:
		if x == nil {
			return ""
		}
		return *x
	default:
		return x
	}
}

// fields are the fields that a value can refer to. The addresses of people are
// excluded: Customer.io has the addresses already, and the property "recipient" of an
// event redirects the messages of campaigns.
var fields = map[string]func(*occurrence) any{
	"action_id":                func(o *occurrence) any { return o.event.ActionID },
	"bounce_class":             func(o *occurrence) any { return string(o.facts.class) },
	"broadcast_id":             func(o *occurrence) any { return o.event.BroadcastID },
	"campaign_id":              func(o *occurrence) any { return o.event.CampaignID },
	"content_id":               func(o *occurrence) any { return o.event.ContentID },
	"delivery_id":              func(o *occurrence) any { return o.event.DeliveryID },
	"event_id":                 func(o *occurrence) any { return o.event.ID },
	"failure_message":          func(o *occurrence) any { return o.event.FailureMessage },
	"href":                     func(o *occurrence) any { return o.event.Href },
	"journey_id":               func(o *occurrence) any { return o.event.JourneyID },
	"link_id":                  func(o *occurrence) any { return o.event.LinkID },
	"machine":                  func(o *occurrence) any { return o.event.IsMachine() },
	"metric":                   func(o *occurrence) any { return string(o.event.Metric) },
	"newsletter_id":            func(o *occurrence) any { return o.event.NewsletterID },
	"object_type":              func(o *occurrence) any { return string(o.event.ObjectType) },
	"occurred_at":              func(o *occurrence) any { return o.at.Unix() },
	"parent_action_id":         func(o *occurrence) any { return o.event.ParentActionID },
	"subject":                  func(o *occurrence) any { return o.event.Subject },
	"template_id":              func(o *occurrence) any { return o.event.TemplateID },
	"tracked_response":         func(o *occurrence) any { return o.event.TrackedResponse },
	"transactional_message_id": func(o *occurrence) any { return o.event.TransactionalMessageID },
	"trigger_event_id":         func(o *occurrence) any { return o.event.TriggerEventID },
	"trigger_id":               func(o *occurrence) any { return o.event.TriggerID },
}

// cut shortens a string to MaxValue bytes, at the boundary of a rune. Failure
// messages can be longer, and the beginning of a message suffices.
func cut(s string) string {
	if len(s) <= MaxValue {
		return s
	}
	end := MaxValue
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end]
}

// reference returns the field that a string refers to, and whether the string has
// double braces. A string with braces and without a field is a mistake.
func reference(text string) (field string, braces bool) {
	if !strings.Contains(text, "{{") && !strings.Contains(text, "}}") {
		return "", false
	}
	inner, opened := strings.CutPrefix(text, "{{")
	inner, closed := strings.CutSuffix(inner, "}}")
	field = strings.TrimSpace(inner)
	if _, ok := fields[field]; !opened || !closed || !ok {
		return "", true
	}
	return field, true
}
