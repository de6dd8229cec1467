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

// facts are the properties of an event that a condition can test.
type facts struct {
	objectType webhook.ObjectType
	metric     webhook.Metric
	machine    bool
	class      webhook.BounceClass // "" unless bounced
}

func factsOf(e *webhook.Event) facts {
	f := facts{objectType: e.ObjectType, metric: e.Metric}
	if m := e.IsMachine(); m != nil {
		f.machine = *m
	}
	if e.Metric == webhook.Bounced {
		f.class = webhook.ClassifyBounce(e.FailureMessage)
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

func (r *rule) applies(f facts) bool {
	return r.when.holds(f) && (r.unless.empty() || !r.unless.holds(f))
}
