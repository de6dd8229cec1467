package report

import (
	"fmt"
	"time"
)

// Advice returns why the report has no deliveries, and what to do. "" for a report with
// deliveries.
func (r *Report) Advice() string {
	switch {
	case r.Summary.Deliveries > 0:
		return ""
	case r.Newest == nil && r.Campaign > 0:
		return fmt.Sprintf("There are no events of campaign %d: without --campaign the report shows all messages.", r.Campaign)
	case r.Newest == nil:
		return "The warehouse has no events yet: cioctl status shows whether events wait."
	case r.Since != "" || r.Until != "":
		return fmt.Sprintf("No message was sent on these days. The latest event is of %s: --days 0 shows all days.", r.Newest.UTC().Format(time.RFC3339))
	default:
		return "The events belong to no message: Customer.io's reporting webhook sends events of messages when you choose them there."
	}
}
