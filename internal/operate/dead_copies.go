package operate

import (
	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/fault"
)

// A hold identifies a held suppression. A replay to suppression holds the same event once
// more, and an event that the stream has stored twice is held twice: dead letters of their
// own, each with the power to delete the profile. A decision about one of the copies is a
// decision about all.
type hold struct{ from, workspace, id, metric string }

// holdOf returns the hold of a dead letter, or false for a dead letter of another reason.
func holdOf(b *event.StoredDeadLetter) (hold, bool) {
	return hold{b.From, b.Workspace, b.ID, b.Metric}, b.Reason == fault.ReasonHeldSuppression
}

// copies adds the copies of held suppressions to a selection.
type copies struct {
	selected map[hold]bool
	waiting  map[hold][]*event.StoredDeadLetter // no copy of the hold is selected yet
	fn       func(*event.StoredDeadLetter)
}

// add calls fn for a selected dead letter, for its copies, and for a copy of a selected one.
func (c *copies) add(b *event.StoredDeadLetter, selected bool) {
	h, held := holdOf(b)
	selected = selected || held && c.selected[h]
	switch {
	case held && selected:
		c.selected[h] = true
		for _, earlier := range c.waiting[h] {
			c.fn(earlier)
		}
		delete(c.waiting, h)
	case held:
		c.waiting[h] = append(c.waiting[h], b)
	}
	if selected {
		c.fn(b)
	}
}
