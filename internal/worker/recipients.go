package worker

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/cioevents/cioevents/internal/effect"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// OtherRecipients counts the events of a workspace that had no effect because the message
// went to an address other than the person's own. A nil OtherRecipients counts nothing.
type OtherRecipients struct {
	byMetric map[webhook.Metric]prometheus.Counter
}

// OtherRecipients creates and returns the series of a workspace.
func (m *Metrics) OtherRecipients(workspace string) *OtherRecipients {
	o := &OtherRecipients{byMetric: map[webhook.Metric]prometheus.Counter{}}
	for _, metric := range effect.RecipientMetrics() {
		o.byMetric[metric] = m.otherRecipient.WithLabelValues(workspace, string(metric))
	}
	return o
}

// add counts n handled events of the metric. The metric "" stands for all other events,
// which are not counted.
func (o *OtherRecipients) add(metric webhook.Metric, n int) {
	if o != nil && metric != "" {
		o.byMetric[metric].Add(float64(n))
	}
}
