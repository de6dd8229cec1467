package console

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/operate"
	"github.com/cioevents/cioevents/internal/privacy"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// masked replaces a personal value until somebody asks to see the value.
const masked = "•••"

// personal finds e-mail addresses, also those within a link, and phone numbers within a text,
// such as the reason of a bounce. It rather takes too much than leaves the rest of a name.
var personal = regexp.MustCompile(`[^\s<>"(),;]+(?:@|%40)[^\s<>"(),;:]+|\+\d[\d ().-]{5,}\d`)

// withoutAddresses masks the e-mail addresses and the phone numbers in a text.
func withoutAddresses(text string) string { return personal.ReplaceAllString(text, masked) }

// harmless are the members of a payload whose values name nobody. The values of all other
// members are masked, so that a new member of Customer.io's stays hidden.
var harmless = map[string]bool{
	"event_id": true, "object_type": true, "metric": true, "timestamp": true, "delivery_id": true, "campaign_id": true, "broadcast_id": true,
	"newsletter_id": true, "action_id": true, "parent_action_id": true, "content_id": true, "trigger_id": true, "trigger_event_id": true,
	"journey_id": true, "transactional_message_id": true, "link_id": true, "template_id": true, "failure_message": true, "event_type": true,
	"event": true, "bounce_type": true, "tracked_response": true, "device_platform": true, "machine": true, "proxied": true, "prefetched": true,
	"inbound_event_id": true,
}

// payloadText returns a body for people: indented, and with personal values masked unless
// reveal is set. A body that is not JSON is masked as a whole.
func payloadText(body []byte, reveal bool) string {
	if reveal {
		var out bytes.Buffer
		if json.Indent(&out, body, "", "  ") != nil {
			return string(body)
		}
		return out.String()
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return masked
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false) // the template escapes
	e.SetIndent("", "  ")
	_ = e.Encode(mask("", v)) //nolint:errchkjson // decoded JSON is encodable
	return out.String()
}

// mask returns the value of a member with personal values masked.
func mask(name string, v any) any {
	switch v := v.(type) {
	case map[string]any:
		members := make(map[string]any, len(v))
		for k := range v {
			members[withoutAddresses(k)] = mask(k, v[k])
		}
		return members
	case []any:
		for i := range v {
			v[i] = mask(name, v[i])
		}
		return v
	case string:
		if harmless[name] {
			return withoutAddresses(v)
		}
		return masked
	case json.Number:
		if harmless[name] {
			return v
		}
		return masked
	default: // a boolean or null
		return v
	}
}

// An eventRow is an event in a table.
type eventRow struct {
	event.Attempt
	Source, Person, Delivery string
}

func newEventRow(a event.Attempt) eventRow {
	r := eventRow{Attempt: a}
	e, err := webhook.Parse(a.Body)
	if err != nil {
		return r
	}
	r.Source, r.Delivery = operate.SourceOf(e), e.DeliveryID
	if ids := privacy.Owner(e); len(ids) > 0 {
		r.Person = personText(ids[0])
	}
	return r
}

// personText returns an identifier for tables, where addresses and phone numbers are cut.
func personText(id privacy.Identifier) string {
	name, domain, isAddress := strings.Cut(id.Value, "@")
	switch {
	case isAddress && name != "":
		return firstLetter(name) + "…@" + domain
	case id.Kind == privacy.Phone:
		return "…" + id.Value[max(0, len(id.Value)-2):]
	default:
		return id.Value
	}
}

func firstLetter(text string) string {
	for _, r := range text {
		return string(r)
	}
	return ""
}
