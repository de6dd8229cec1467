package webhook

import (
	"unicode/utf8"
	"unsafe"
)

// Parse decodes the body of a reporting webhook. Any JSON object is an event, even {}:
// a refused event would make Customer.io hold back every later event. The only errors
// are ErrNotJSON and ErrNotObject.
//
//   - Parse reads a value of an unexpected type if the meaning is clear: the id "5" or
//     5.0 as 5, the customer_id 42 as "42", a timestamp in milliseconds, in quotes or
//     as RFC 3339. Any other value of an unexpected type counts as absent.
//   - Metric and ObjectType are trimmed and in lower case. Metrics have aliases:
//     "complained" is Spammed, "customer_subscription_preferences_changed" is
//     PreferencesChanged.
//   - The last of two equal keys counts. Parse reads details from the top level and
//     from data; data takes precedence.
//   - The Shape is Legacy if the metric comes from event_type, else Nested if the body
//     has the key data, else Flat. A data of null is nested too: the flat shape has no
//     such key. A nested body is Backfill if the event_id begins with BackfillPrefix.
//   - A flat or legacy body with a metric and without an object type is about Email. A
//     nested body without an object type is about Customer if the metric is
//     Subscribed, Unsubscribed or PreferencesChanged. A body without any metric, such
//     as {}, implies no object type.
//   - U+FFFD replaces bytes that are not UTF-8.
//
// The event's Raw is body itself, so do not change body while the event is in use. All
// texts of the event share a copy of body: clone a text that you keep for much longer
// than the event.
func Parse(body []byte) (*Event, error) {
	e := new(Event)
	if err := parseInto(e, body, string(body)); err != nil {
		return nil, err
	}
	return e, nil
}

// ParseInto is Parse into an existing event, for a program that reuses memory. ParseInto
// removes what the event had before. After an error the event is empty.
//
// The event's texts are in the memory of body, not in a copy: a program that changes body
// changes the texts.
func ParseInto(e *Event, body []byte) error {
	err := parseInto(e, body, unsafe.String(unsafe.SliceData(body), len(body)))
	if err != nil {
		*e = Event{}
	}
	return err
}

// parseInto takes the body as bytes and as the text whose parts are the event's texts.
func parseInto(e *Event, body []byte, text string) error {
	var h head
	d := document{body: body, whole: text, isUTF8: utf8.ValidString(text)}
	*e = Event{Raw: body}
	w := walk(body, skipSpace(body, 0), '{')
	for w.next() {
		if key := w.name(); !h.set(key, w.value) {
			d.set(e, key, w.value)
		}
	}
	if err := w.err(); err != nil {
		return err
	}
	var env Envelope
	env, e.Shape = d.envelope(&h)
	e.ID, e.ObjectType, e.Metric = env.EventID, env.ObjectType, env.Metric
	e.OccurredAt = d.timestamp(h.timestamp)
	d.setData(e, h.data)
	return nil
}

// setData reads the members of data, which override members of the top level.
func (d *document) setData(e *Event, data span) {
	w := d.object(data)
	for w.next() {
		d.set(e, w.name(), w.value)
	}
	if e.Shape == Legacy && e.CampaignID == 0 {
		campaign := d.member(d.member(data, "variables"), "campaign")
		e.CampaignID = d.integer(d.member(campaign, "id"))
	}
}

// set reads a single detail. The function is as long as the list of details.
func (d *document) set(e *Event, key []byte, v span) {
	switch string(key) {
	case "customer_id":
		e.CustomerID = d.text(v)
	case "identifiers":
		e.Identifiers = d.identifiers(v)
	case "email_address":
		e.EmailAddress = d.text(v)
	case "delivery_id":
		e.DeliveryID = d.text(v)
	case "recipient":
		e.Recipient = d.textOrJSON(v)
	case "recipients":
		e.Recipients = d.recipients(v)
	case "subject":
		e.Subject = d.text(v)
	case "campaign_id":
		e.CampaignID = d.integer(v)
	case "broadcast_id":
		e.BroadcastID = d.integer(v)
	case "newsletter_id":
		e.NewsletterID = d.integer(v)
	case "transactional_message_id":
		e.TransactionalMessageID, e.TransactionalMessage = d.integerOrText(v)
	case "action_id":
		e.ActionID = d.integer(v)
	case "parent_action_id":
		e.ParentActionID = d.integer(v)
	case "content_id":
		e.ContentID = d.integer(v)
	case "template_id":
		e.TemplateID = d.text(v)
	case "trigger_id":
		e.TriggerID = d.text(v)
	case "trigger_event_id":
		e.TriggerEventID = d.text(v)
	case "journey_id":
		e.JourneyID = d.text(v)
	case "href":
		e.Href = d.text(v)
	case "link_id":
		e.LinkID, e.LinkName = d.link(v)
	case "tracked_response":
		e.TrackedResponse = d.text(v)
	case "failure_message":
		e.FailureMessage = d.text(v)
	case "inbound_event_id":
		e.InboundEventID = d.text(v)
	case "to":
		e.To = d.text(v)
	case "proxied":
		e.Proxied = d.flag(v)
	case "prefetched":
		e.Prefetched = d.flag(v)
	case "synthetic":
		e.Synthetic = d.flag(v)
	case "machine":
		e.Machine = d.flag(v)
	case "content":
		e.Content = d.text(v)
	case "headers":
		e.Headers = d.headers(v)
	}
}

func (d *document) identifiers(v span) Identifiers {
	var ids Identifiers
	w := d.object(v)
	for w.next() {
		switch string(w.name()) {
		case "id":
			ids.ID = d.text(w.value)
		case "email":
			ids.Email = d.text(w.value)
		case "phone":
			ids.Phone = d.text(w.value)
		case "cio_id":
			ids.CioID = d.text(w.value)
		}
	}
	return ids
}

func (d *document) recipients(v span) []Recipient {
	var all []Recipient
	w := d.list(v)
	for w.next() {
		if d.begins(w.value, '{') {
			all = append(all, d.recipient(w.value))
		}
	}
	return all
}

func (d *document) recipient(v span) Recipient {
	var r Recipient
	w := d.object(v)
	for w.next() {
		switch string(w.name()) {
		case "device_id":
			r.DeviceID = d.text(w.value)
		case "device_platform":
			r.DevicePlatform = d.text(w.value)
		case "failure_message":
			r.FailureMessage = d.text(w.value)
		}
	}
	return r
}

// headers reads the headers of an e-mail. A value that is not a list counts as a list
// with a single element.
func (d *document) headers(v span) map[string][]string {
	if !d.begins(v, '{') {
		return nil
	}
	all := make(map[string][]string)
	w := d.object(v)
	for w.next() {
		all[d.str(w.key)] = d.texts(w.value)
	}
	return all
}

func (d *document) texts(v span) []string {
	if !d.begins(v, '[') {
		return []string{d.text(v)}
	}
	var all []string
	w := d.list(v)
	for w.next() {
		all = append(all, d.text(w.value))
	}
	return all
}
