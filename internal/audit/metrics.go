package audit

import (
	"slices"

	"github.com/cioevents/cioevents/internal/customerio"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// compared are the metrics of a delivery that the App API lists. The index of a metric is
// its bit.
var compared = customerio.DeliveryMetrics()

// bits is a set of compared metrics.
type bits uint16

func bitOf(m webhook.Metric) bits {
	i := slices.Index(compared, m)
	if i < 0 {
		return 0
	}
	return 1 << i
}
