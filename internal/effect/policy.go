package effect

import (
	"cmp"
	"slices"
	"time"

	"github.com/cioevents/cioevents/pkg/webhook"
)

// maxSkew bounds how far the time of an event may lie ahead of our clock.
const maxSkew = 5 * time.Minute

// A Policy turns events into calls. The zero Policy applies the built-in rules in
// ModeSuppress.
type Policy struct {
	// Rules are the rules to apply. Default the rules of BuiltinFile.
	Rules *Rules
	// Mode is the meaning of suppress in a rule. Default ModeSuppress.
	Mode Mode
	// SuppressUnknown lets a bounce of unknown class suppress like a hard bounce. By
	// default the bounce only sets the rule's attributes, because a suppression
	// cannot be undone.
	SuppressUnknown bool
}

// SuppressionMetrics returns the metrics for which Suppression may return calls,
// sorted.
func (p Policy) SuppressionMetrics() []webhook.Metric { return p.metrics(false) }

// EngagementMetrics returns the metrics for which Engagement may return calls,
// sorted.
func (p Policy) EngagementMetrics() []webhook.Metric { return p.metrics(true) }

func (p Policy) metrics(engagement bool) []webhook.Metric {
	var list []webhook.Metric
	for m := range p.rules().byMetric {
		if isEngagement(m) == engagement {
			list = append(list, m)
		}
	}
	slices.Sort(list)
	return list
}

// Suppression returns the calls for an event that is neither an open nor a click:
// a bounce, a complaint, an opt-out or any other metric of the rules. It returns nil
// when no rule applies or the event has no person. An event without a time gets
// receivedAt as its time.
func (p Policy) Suppression(e *webhook.Event, receivedAt time.Time) []Call {
	if isEngagement(e.Metric) {
		return nil
	}
	return p.calls(e, receivedAt)
}

// Engagement returns the calls for an open or a click. It returns nil for other
// events, when no rule applies, and when the event has no person. An event without a
// time gets receivedAt as its time.
func (p Policy) Engagement(e *webhook.Event, receivedAt time.Time) []Call {
	if !isEngagement(e.Metric) {
		return nil
	}
	return p.calls(e, receivedAt)
}

// Applying returns the names of the rules that apply to the event, also when the
// event has no person.
func (p Policy) Applying(e *webhook.Event) []string {
	var names []string
	for _, r := range p.applying(factsOf(e)) {
		names = append(names, r.name)
	}
	return names
}

func (p Policy) rules() *Rules {
	if p.Rules == nil {
		return builtinRules()
	}
	return p.Rules
}

func (p Policy) applying(f facts) []*rule {
	var list []*rule
	for _, r := range p.rules().byMetric[f.metric] {
		if r.applies(f) {
			list = append(list, r)
		}
	}
	return list
}

// calls returns the calls of all rules that apply: one Identify with the attributes
// of all rules, then the events, and the suppression last. Customer.io would ignore
// a call after the suppression.
func (p Policy) calls(e *webhook.Event, receivedAt time.Time) []Call {
	if len(p.rules().byMetric[e.Metric]) == 0 {
		return nil
	}
	person, ok := PersonOf(e)
	if !ok {
		return nil
	}
	o := &occurrence{event: e, facts: factsOf(e), at: occurredAt(e, receivedAt)}
	attributes := map[string]any{}
	var calls []Call
	var suppress bool
	for _, r := range p.applying(o.facts) {
		o.resolve(r.set, attributes)
		mode := p.modeFor(r, o.facts)
		if r.unsubscribe || mode == ModeUnsubscribe {
			attributes["unsubscribed"] = true
		}
		suppress = suppress || mode == ModeSuppress
		if r.track != nil && (r.track.withoutCioID || person.Kind == CioID) {
			calls = append(calls, r.event(o, person))
		}
	}
	if len(attributes) > 0 {
		calls = slices.Insert(calls, 0, Call{Kind: Identify, Person: person, At: o.at, Attributes: attributes})
	}
	if suppress {
		calls = append(calls, Call{Kind: Suppress, Person: person, At: o.at, Bounce: e.Metric == webhook.Bounced})
	}
	return calls
}

// event returns the call that sends the rule's event.
func (r *rule) event(o *occurrence, person Person) Call {
	call := Call{Kind: Track, Person: person, At: o.at, Event: r.track.event, ID: trackID(o.event, r.name)}
	if len(r.track.data) > 0 {
		call.Attributes = make(map[string]any, len(r.track.data))
		o.resolve(r.track.data, call.Attributes)
	}
	return call
}

// modeFor returns the mode for the rule and the case: ModeOff when the rule does not
// suppress, or when the class of the bounce is unknown without SuppressUnknown.
func (p Policy) modeFor(r *rule, f facts) Mode {
	if !r.suppress || !p.SuppressUnknown && f.class == webhook.BounceUnknown {
		return ModeOff
	}
	return cmp.Or(p.Mode, ModeSuppress)
}

// occurredAt returns the event's time, or receivedAt for a time in the future. A
// future At would keep later values off the profile until that time has come.
func occurredAt(e *webhook.Event, receivedAt time.Time) time.Time {
	if e.OccurredAt.IsZero() || e.OccurredAt.After(receivedAt.Add(maxSkew)) {
		return receivedAt
	}
	return e.OccurredAt
}
