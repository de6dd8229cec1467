package effect

import (
	"slices"

	"github.com/cioevents/cioevents/pkg/webhook"
)

// The words that this version knows.
var (
	objectTypes   = webhook.ObjectTypes()
	metrics       = webhook.Metrics()
	bounceClasses = []webhook.BounceClass{webhook.BounceHard, webhook.BounceSoft, webhook.BounceUnknown}
)

// isEngagement reports whether the consumer engagement handles the metric. All other
// metrics go to suppression, so that a complaint does not wait behind a million opens.
func isEngagement(m webhook.Metric) bool {
	return m == webhook.Opened || m == webhook.Clicked
}

// maySuppress are the metrics that can delete a person: each of them says that a
// message did not arrive or was not wanted. A rule that suppresses on a metric of
// every message, such as sent, would delete everybody.
var maySuppress = []webhook.Metric{webhook.Bounced, webhook.Dropped, webhook.Spammed, webhook.Unsubscribed}

// allFacts returns every case that the rules' conditions can tell apart. The object type
// "" stands for all object types that no condition names.
func allFacts(rules ...rule) []facts {
	var all []facts
	for _, o := range append(slices.Concat(objectTypes, unknownTypes(rules)), "") {
		for _, m := range slices.Concat(metrics, unknownMetrics(rules)) {
			f := facts{objectType: o, metric: m}
			switch {
			case m == webhook.Bounced:
				for _, f.class = range bounceClasses {
					all = append(all, f)
				}
			case isEngagement(m):
				machine := f
				machine.machine = true
				all = append(all, f, machine)
			default:
				all = append(all, f)
			}
		}
	}
	return all
}
