package effect

import (
	"slices"

	"github.com/cioevents/cioevents/pkg/webhook"
)

// A rule is a condition and the actions for the events that match the condition.
type rule struct {
	name         string
	line         int
	when, unless condition
	set          []assignment
	track        *track
	suppress     bool
	unsubscribe  bool
	// anyRecipient applies the rule also when the message went to an address that is
	// not the person's own.
	anyRecipient bool
}

// An assignment is an attribute, or a property of an event, with its value.
type assignment struct {
	name  string
	line  int
	value value
}

// A track is the event that a rule sends to Customer.io about the person.
type track struct {
	event string
	data  []assignment
	// withoutCioID also sends the event for a person who is known by id or e-mail
	// address only. The Track API then creates a person who does not exist.
	withoutCioID bool
}

// facts are the properties of an event that decide which rules apply.
type facts struct {
	objectType webhook.ObjectType
	metric     webhook.Metric
	machine    bool
	class      webhook.BounceClass // "" unless bounced
	// otherRecipient and synthetic exclude rules. checkTogether leaves both false,
	// because then the most rules apply.
	otherRecipient bool
	synthetic      bool // an open that Customer.io inferred from a click
}

func factsOf(e *webhook.Event) facts {
	f := facts{
		objectType: e.ObjectType, metric: e.Metric, class: e.BounceClass(), otherRecipient: OtherRecipient(e),
		synthetic: e.Metric == webhook.Opened && e.Synthetic != nil && *e.Synthetic,
	}
	if m := e.IsMachine(); m != nil {
		f.machine = *m
	}
	return f
}

// A condition holds when each of its parts holds. An absent part always holds.
type condition struct {
	objectTypes []webhook.ObjectType
	metrics     []webhook.Metric
	machine     *bool
	classes     []webhook.BounceClass
}

func (c *condition) empty() bool {
	return len(c.objectTypes) == 0 && len(c.metrics) == 0 && c.machine == nil && len(c.classes) == 0
}

func (c *condition) holds(f facts) bool {
	return in(c.objectTypes, f.objectType) && in(c.metrics, f.metric) && in(c.classes, f.class) &&
		(c.machine == nil || *c.machine == f.machine)
}

func in[T comparable](list []T, v T) bool { return len(list) == 0 || slices.Contains(list, v) }

// applies reports whether the rule applies. No rule applies to a synthetic open: the
// click speaks for itself, and only the click says whether a machine clicked.
func (r *rule) applies(f facts) bool {
	if f.synthetic || f.otherRecipient && !r.anyRecipient {
		return false
	}
	return r.when.holds(f) && (r.unless.empty() || !r.unless.holds(f))
}
