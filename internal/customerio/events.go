package customerio

import (
	"net/url"
	"slices"
	"strings"

	"github.com/cioevents/cioevents/pkg/webhook"
)

// webhookEvents are the words of the field events by object type, 72 in all. Source: the
// operation createWebhook of Customer.io's journeys-app.json of August 2026. Customer.io
// refuses a word that is not in its list, such as slack_undeliverable.
var webhookEvents = []struct{ object, metrics string }{
	{"customer", "subscribed unsubscribed subscription_preferences_changed"},
	{"email", "drafted attempted sent delivered opened clicked converted bounced dropped deferred spammed failed unsubscribed undeliverable"},
	{"in_app", "drafted attempted sent opened clicked converted failed undeliverable"},
	{"push", "drafted attempted sent delivered opened clicked converted bounced dropped failed undeliverable"},
	{"slack", "drafted attempted sent clicked converted failed"},
	{"sms", "drafted attempted sent delivered clicked converted bounced dropped failed undeliverable replied"},
	{"whatsapp", "drafted attempted sent delivered opened clicked converted bounced dropped failed undeliverable replied"},
	{"webhook", "drafted attempted sent clicked converted failed undeliverable"},
}

// HasEvent reports whether a reporting webhook can tell of a metric of an object type.
func HasEvent(object webhook.ObjectType, metric webhook.Metric) bool {
	for _, group := range webhookEvents {
		if group.object == string(object) {
			return slices.Contains(strings.Fields(group.metrics), string(metric))
		}
	}
	return false
}

// MissingEvents returns the events that Customer.io offers and the webhook does not get.
func (w *ReportingWebhook) MissingEvents() (missing []string) {
	for _, group := range webhookEvents {
		for metric := range strings.FieldsSeq(group.metrics) {
			if word := group.object + "_" + metric; !slices.Contains(w.Events, word) {
				missing = append(missing, word)
			}
		}
	}
	return missing
}

// PostsTo reports whether the webhook has the endpoint, however it is written: the case
// of the host, a default port, a final slash and a password make no difference.
func (w *ReportingWebhook) PostsTo(endpoint string) bool {
	return normalised(w.Endpoint) == normalised(endpoint)
}

func normalised(endpoint string) string {
	u, err := url.Parse(strings.TrimSpace(endpoint))
	if err != nil {
		return endpoint
	}
	host := strings.ToLower(u.Host)
	switch u.Scheme {
	case "https":
		host = strings.TrimSuffix(host, ":443")
	case "http":
		host = strings.TrimSuffix(host, ":80")
	}
	return u.Scheme + "://" + host + strings.TrimRight(u.EscapedPath(), "/") + "?" + u.RawQuery
}
