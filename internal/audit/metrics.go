package audit

import (
	"slices"
	"strings"

	"github.com/cioevents/cioevents/pkg/webhook"
)

// compared are the metrics of a delivery that the App API lists and a reporting webhook
// tells of. The index of a metric is its bit.
var compared = []webhook.Metric{
	webhook.Drafted, webhook.Sent, webhook.Delivered, webhook.Opened, webhook.Clicked, webhook.Converted, webhook.Bounced,
	webhook.Dropped, webhook.Failed, webhook.Spammed, webhook.Undeliverable, webhook.Unsubscribed,
}

// bits is a set of compared metrics.
type bits uint16

func bitOf(m webhook.Metric) bits {
	i := slices.Index(compared, m)
	if i < 0 {
		return 0
	}
	return 1 << i
}

// words are the compared metrics of a reporting webhook, by object type. Source: the
// events of a reporting webhook in Customer.io's journeys-app.json, and for slack the
// reference of the webhook, which has undeliverable, too.
var words = map[webhook.ObjectType]string{
	webhook.Email:    "drafted sent delivered opened clicked converted bounced dropped spammed failed unsubscribed undeliverable",
	webhook.InApp:    "drafted sent opened clicked converted failed undeliverable",
	webhook.Push:     "drafted sent delivered opened clicked converted bounced dropped failed undeliverable",
	webhook.Slack:    "drafted sent clicked converted failed undeliverable",
	webhook.SMS:      "drafted sent delivered clicked converted bounced dropped failed undeliverable",
	webhook.WhatsApp: "drafted sent delivered opened clicked converted bounced dropped failed undeliverable",
	webhook.Webhook:  "drafted sent clicked converted failed undeliverable",
}

// hasWebhook reports whether a reporting webhook tells of the metric.
func hasWebhook(t webhook.ObjectType, m webhook.Metric) bool {
	return slices.Contains(strings.Fields(words[t]), string(m))
}
