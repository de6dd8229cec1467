package audit

import (
	"fmt"
	"time"

	"github.com/cioevents/cioevents/internal/config"
)

// Notes returns what the result leaves out, as sentences: an audit that compares less
// than a reader assumes proves nothing.
func (r *Result) Notes() []string {
	var notes []string
	notef := func(format string, args ...any) { notes = append(notes, fmt.Sprintf(format, args...)) }
	if c := r.Customerio; c != nil {
		notef("Not compared, because Customer.io does not list them: attempted, deferred and replied, opens and clicks after the first of a delivery, and events of a person without a delivery.")
		notef("Customer.io lists deliveries created since %s. Metrics of older deliveries are not compared: see --lookback.", c.Listed.Format(time.RFC3339))
		notef("The numbers are those of the period in UTC. Customer.io's pages of newsletters have days in Eastern time.")
		if c.OnlyHere > 0 {
			notef("No gap: %d metrics are only here. Customer.io does not list the deliveries of deleted people, nor older deliveries.", c.OnlyHere)
		}
		if c.Waiting > 0 {
			notef("Not compared: %d metrics whose events have just arrived and have no row yet.", c.Waiting)
		}
		if c.Forgotten > 0 {
			notef("Not compared: %d metrics of people whose data Customer.io has erased.", c.Forgotten)
		}
		if c.Erased > 0 {
			notef("Not compared: %d metrics of erased persons without a row. A backfill leaves them out, too.", c.Erased)
		}
		if c.ErasedUnknown && c.Missing > 0 {
			notef("The list of erased persons was not read, and their events count as missing. To leave them out, set PRIVACY_KEY to the secret with which the persons were erased, and compare without --only customerio.")
		}
		if c.NoWebhook > 0 {
			notef("Not compared: %d metrics for which Customer.io has no webhook, such as those of an inbox.", c.NoWebhook)
		}
	}
	if s := r.Stream; s != nil {
		if s.Waiting > 0 {
			notef("Not compared: %d events that the worker has not stored yet. See LAG of cioctl status.", s.Waiting)
		}
		if s.Unreadable > 0 {
			notef("Not compared: %d messages of the stream that are no events. See cioctl dead list.", s.Unreadable)
		}
		if s.Old > 0 {
			notef("Not compared: %d events of the stream that occurred more than 8 days before the period.", s.Old)
		}
	} else {
		notef("The stream was not compared.")
	}
	if r.Customerio == nil {
		notef("Customer.io was not asked. Only Customer.io notices a webhook that never arrived: set CUSTOMERIO_APP_API_KEY.")
	}
	return notes
}

// Advice returns what to do about the gaps, "" without a gap.
func (r *Result) Advice() string {
	workspace := ""
	if r.Workspace != config.DefaultWorkspace {
		workspace = " --workspace " + r.Workspace
	}
	period := " --since " + r.Since.Format(time.RFC3339) + " --until " + r.Until.Format(time.RFC3339)
	switch {
	case r.Missing == 0:
		return ""
	case r.Stream != nil && r.Stream.Missing > 0:
		return "events of the stream have no row: look for them with cioctl dead list, then run cioctl replay start --to warehouse --since " +
			r.Since.Format(time.RFC3339) + ", and run the audit again"
	default:
		return "Customer.io has not delivered these events, and repeats a failed call for 7 days: check the webhook with cioctl doctor --only webhook; fill what is older with cioctl backfill" + workspace + period
	}
}
