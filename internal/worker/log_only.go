package worker

import (
	"context"
	"maps"
	"slices"

	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/effect"
	"github.com/cioevents/cioevents/internal/event"
)

// LogOnly is the handler of a dry run. LogOnly logs the calls that Effects or Bulk
// would make, and makes no call. A dry run therefore needs no credentials. The events
// count as handled.
//
// LogOnly replaces the handler and not only Profiles, because a call does not carry
// the id of its event, and because Bulk folds the calls of many events into one call.
type LogOnly struct {
	Plan Plan
	// Workspace is the workspace of the events, as in Effects.
	Workspace string
	Log       zerolog.Logger
	// OtherRecipients counts events. Default: no count.
	OtherRecipients *OtherRecipients
}

// Handle logs the calls of each event. An event that Effects would dead-letter
// without a call is dead-lettered by a dry run, too.
func (h *LogOnly) Handle(_ context.Context, batch []event.Attempt, fail func(int, error)) error {
	for i := range batch {
		o, err := h.Plan.outcome(h.Workspace, &batch[i].Message)
		if err != nil {
			fail(i, err)
			continue
		}
		h.OtherRecipients.add(o.otherRecipient, 1)
		for _, call := range o.calls {
			h.log(batch[i].ID, call)
		}
	}
	return nil
}

// log writes one line about a call. The line names attributes, but neither their
// values nor the person.
func (h *LogOnly) log(eventID string, call effect.Call) {
	line := h.Log.Info().Str("event_id", eventID).Str("call", string(call.Kind)).
		Strs("attributes", slices.Sorted(maps.Keys(call.Attributes)))
	if call.Event != "" {
		line = line.Str("event", call.Event)
	}
	line.Msg("effect not performed: EFFECTS_DRY_RUN")
}
