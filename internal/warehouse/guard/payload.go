package guard

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// redacted returns a payload with the members that webhook.Parse knows, in the shape of the
// body, and with the values of the columns. Parse reads the same event from it, except for
// what the policy has changed. Unknown members, the content and the headers of a message are
// left out. A phone number, which has no column, is hashed or left out.
//
// The payload is written from the row. To edit the body member by member would cost three
// times as much, and would keep members of which nobody knows what they mean.
func (p *Policy) redacted(r *warehouse.Row) []byte {
	w := object{make([]byte, 0, len(r.Raw)+64)}
	w.open()
	w.text("event_id", r.ID)
	w.text("object_type", string(r.ObjectType))
	if r.Shape == webhook.Legacy {
		w.text("event_type", eventType(&r.Event))
	} else {
		w.text("metric", string(r.Metric))
	}
	w.time("timestamp", r.OccurredAt)
	nested := r.Shape == webhook.Nested || r.Shape == webhook.Backfill
	if nested {
		w.key("data")
		w.open()
	}
	p.person(&w, r)
	message(&w, r)
	details(&w, r)
	if nested {
		w.close()
	}
	w.text("redacted", p.name)
	w.close()
	return w.b
}

// dropped returns a payload with the event's id, metric and time.
func (p *Policy) dropped(r *warehouse.Row) []byte {
	w := object{make([]byte, 0, 128)}
	w.open()
	w.text("event_id", r.ID)
	w.text("metric", string(r.Metric))
	w.time("timestamp", r.OccurredAt)
	w.text("redacted", p.name)
	w.close()
	return w.b
}

// eventType returns the event_type of the legacy shape.
func eventType(e *webhook.Event) string {
	if e.ObjectType == "" || e.Metric == webhook.PreferencesChanged {
		return string(e.Metric)
	}
	return string(e.ObjectType) + "_" + string(e.Metric)
}

func (p *Policy) person(w *object, r *warehouse.Row) {
	w.key("identifiers")
	w.open()
	w.text("id", r.PersonID)
	w.text("email", r.Identifiers.Email)
	w.text("cio_id", r.Identifiers.CioID)
	if phone := strings.TrimSpace(r.Identifiers.Phone); phone != "" && !p.key.IsZero() {
		w.text("phone", new(hasher).whole(&p.key, phone))
	}
	w.close()
	if r.EmailAddress != "" { // otherwise Address is the recipient's
		w.text("email_address", r.Address)
	}
}

func message(w *object, r *warehouse.Row) {
	w.text("delivery_id", r.DeliveryID)
	w.text("recipient", r.Recipient)
	w.json("recipients", r.RecipientList)
	w.text("subject", r.Subject)
	w.integer("campaign_id", r.CampaignID)
	w.integer("broadcast_id", r.BroadcastID)
	w.integer("newsletter_id", r.NewsletterID)
	w.text("transactional_message_id", r.TransactionalMessage)
	w.integer("action_id", r.ActionID)
	w.integer("parent_action_id", r.ParentActionID)
	w.integer("content_id", r.ContentID)
	w.text("template_id", r.TemplateID)
	w.text("trigger_id", r.TriggerID)
	w.text("trigger_event_id", r.TriggerEventID)
	w.text("journey_id", r.JourneyID)
}

func details(w *object, r *warehouse.Row) {
	w.text("href", r.Href)
	w.integer("link_id", r.LinkID)
	w.text("link_id", r.LinkName) // a link has one of the two
	w.text("tracked_response", r.TrackedResponse)
	w.text("failure_message", r.FailureMessage)
	w.text("inbound_event_id", r.InboundEventID)
	w.text("to", r.To)
	w.flag("proxied", r.Proxied)
	w.flag("prefetched", r.Prefetched)
	w.flag("synthetic", r.Synthetic)
	w.flag("machine", r.Machine)
	w.text("content", r.Preferences) // the content of a change of preferences is a document
}

// An object writes a JSON object. Members without a value are left out.
type object struct{ b []byte }

func (w *object) open() { w.b = append(w.b, '{') }

func (w *object) close() { w.b = append(w.b, '}') }

func (w *object) key(name string) {
	if w.b[len(w.b)-1] != '{' {
		w.b = append(w.b, ',')
	}
	w.b = append(append(append(w.b, '"'), name...), '"', ':')
}

func (w *object) text(name, value string) {
	if value == "" {
		return
	}
	w.key(name)
	w.b = appendString(w.b, value)
}

func (w *object) json(name, value string) {
	if value == "" {
		return
	}
	w.key(name)
	w.b = append(w.b, value...)
}

func (w *object) integer(name string, value int64) {
	if value == 0 {
		return
	}
	w.key(name)
	w.b = strconv.AppendInt(w.b, value, 10)
}

func (w *object) flag(name string, value *bool) {
	if value == nil {
		return
	}
	w.key(name)
	w.b = strconv.AppendBool(w.b, *value)
}

// time writes seconds, or microseconds for a time between two seconds.
func (w *object) time(name string, value time.Time) {
	switch {
	case value.IsZero():
	case value.Nanosecond() == 0 && value.Unix() < 1e11: // Parse takes greater numbers for milliseconds
		w.integer(name, value.Unix())
	default:
		w.text(name, value.Format(time.RFC3339Nano))
	}
}

// appendString appends a JSON string. Most texts need no escape.
func appendString(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			quoted, _ := json.Marshal(s) //nolint:errchkjson // never fails for a text
			return append(b, quoted...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}
