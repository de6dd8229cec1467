package effect

import (
	"slices"
	"sync"

	"github.com/cioevents/cioevents/pkg/webhook"
)

// The words that a condition may use. A word that is not among them is a typing
// mistake far more often than a novelty of Customer.io's.
var (
	objectTypes   = webhook.ObjectTypes()
	metrics       = webhook.Metrics()
	bounceClasses = []webhook.BounceClass{webhook.BounceHard, webhook.BounceSoft, webhook.BounceUnknown}
)

// isEngagement tells the metrics of the consumer engagement, which come by the
// million, from those of suppression, which must not wait behind them.
func isEngagement(m webhook.Metric) bool {
	return m == webhook.Opened || m == webhook.Clicked
}

// maySuppress are the metrics that can delete a person: those that say that a
// message did not arrive or was not wanted. "suppress" on one that every message
// has would delete everybody.
var maySuppress = []webhook.Metric{webhook.Bounced, webhook.Dropped, webhook.Spammed, webhook.Unsubscribed}

// allFacts are the cases that conditions can tell apart. An object type that no
// condition can name stands for all of them as "".
var allFacts = sync.OnceValue(func() []facts {
	var all []facts
	for _, o := range append(slices.Clone(objectTypes), "") {
		for _, m := range metrics {
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
})
