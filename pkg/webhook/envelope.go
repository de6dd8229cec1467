package webhook

import (
	"errors"
	"strings"
)

// The errors of Parse and ParseEnvelope. A body that is a JSON object is never
// refused.
var (
	// ErrNotJSON means that the body is empty, is no JSON, is cut off, or holds
	// more than one value.
	ErrNotJSON = errors.New("webhook: body is not JSON")
	// ErrNotObject means that the body is valid JSON but not an object.
	ErrNotObject = errors.New("webhook: body is not a JSON object")
)

// An Envelope says what an event is, without its details. Its fields mean the
// same as in Event.
type Envelope struct {
	EventID    string
	ObjectType ObjectType
	Metric     Metric
}

// ParseEnvelope checks that the whole body is a JSON object, and reads from it
// what Parse would give as ID, ObjectType and Metric. Its errors are Parse's. It
// takes about a third of Parse's time and keeps no reference to body.
func ParseEnvelope(body []byte) (Envelope, error) {
	var h head
	w := walk(body, skipSpace(body, 0), '{')
	for w.next() {
		h.set(w.name(), w.value)
	}
	if err := w.err(); err != nil {
		return Envelope{}, err
	}
	d := document{body: body}
	env, _ := d.envelope(&h)
	return env, nil
}

// err is the verdict on a body that was walked through as an object.
func (w *walker) err() error {
	isObject := w.closer != 0
	switch {
	case isObject && w.done && skipSpace(w.body, w.pos) == len(w.body):
		return nil
	case !isObject && valid(w.body):
		return ErrNotObject
	default:
		return ErrNotJSON
	}
}

// A head holds the top-level members that say what an event is and when it was.
type head struct {
	eventID, objectType, objectTypeType, metric, eventType, timestamp, data span
}

// set keeps the value if the key is one of the head's, and reports whether. The
// last of several equal keys wins, as in encoding/json.
func (h *head) set(key []byte, v span) bool {
	switch string(key) {
	case "event_id":
		h.eventID = v
	case "object_type":
		h.objectType = v
	case "object_type_type":
		// What Customer.io's schema calls the object type of
		// cio_subscription_preferences_changed, perhaps by mistake.
		h.objectTypeType = v
	case "metric":
		h.metric = v
	case "event_type":
		h.eventType = v
	case "timestamp":
		h.timestamp = v
	case "data":
		h.data = v
	default:
		return false
	}
	return true
}

func (d *document) envelope(h *head) (Envelope, Shape) {
	env := Envelope{
		EventID:    d.text(h.eventID),
		ObjectType: ObjectType(d.word(h.objectType)),
		Metric:     Metric(d.word(h.metric)),
	}
	if env.ObjectType == "" {
		env.ObjectType = ObjectType(d.word(h.objectTypeType))
	}
	shape := Flat
	if d.begins(h.data, '{') {
		shape = Nested
	}
	if env.Metric == "" && h.eventType != (span{}) {
		var o ObjectType
		if o, env.Metric = splitEventType(d.word(h.eventType)); env.Metric != "" {
			shape = Legacy
		}
		if env.ObjectType == "" {
			env.ObjectType = o
		}
	}
	env.Metric = canonical(env.Metric)
	if env.ObjectType == "" {
		env.ObjectType = implied(shape, env.Metric)
	}
	return env, shape
}

// splitEventType splits the legacy "email_bounced". One object type has an
// underscore in it, in_app, and so does the metric of the preferences.
func splitEventType(s string) (ObjectType, Metric) {
	if m := canonical(Metric(s)); m == PreferencesChanged {
		return Customer, m
	}
	if metric, ok := strings.CutPrefix(s, "in_app_"); ok && metric != "" {
		return InApp, Metric(metric)
	}
	if o, metric, ok := strings.Cut(s, "_"); ok && o != "" && metric != "" {
		return ObjectType(o), Metric(metric)
	}
	return "", Metric(s)
}

// canonical maps other words for a metric to Customer.io's own.
func canonical(m Metric) Metric {
	switch m {
	case "complained":
		return Spammed
	case "customer_subscription_preferences_changed": // as the App API calls it
		return PreferencesChanged
	default:
		return m
	}
}

// implied is the object type of a body that names none. The flat and the legacy
// shape are from a time when only e-mail was reported; today's schema lets only
// the subscription metrics go without.
func implied(shape Shape, m Metric) ObjectType {
	if m == "" {
		return ""
	}
	if shape != Nested {
		return Email
	}
	if m == Subscribed || m == Unsubscribed || m == PreferencesChanged {
		return Customer
	}
	return ""
}
