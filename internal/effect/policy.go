package effect

import (
	"cmp"
	"slices"
	"time"

	"github.com/cioevents/cioevents/pkg/webhook"
)

// maxSkew is how far an event may lie ahead of our clock and still be believed.
const maxSkew = 5 * time.Minute

// A Policy turns events into calls. The zero Policy has the built-in rules and
// suppresses.
type Policy struct {
	// Rules say what is done. Default the rules of BuiltinFile.
	Rules *Rules
	// Mode is what "suppress" in a rule comes to; "" is ModeSuppress.
	Mode Mode
	// KeepUnknown makes no suppression of a bounce of unknown class. By default
	// it counts as hard: Customer.io has called it a bounce.
	KeepUnknown bool
}

// SuppressionMetrics lists the metrics that Suppression acts on.
func (p Policy) SuppressionMetrics() []webhook.Metric { return p.metrics(false) }

// EngagementMetrics lists the metrics that Engagement acts on.
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

// Suppression returns the calls for everything but opens and clicks: bounces,
// complaints, opt-outs and what else the rules name. It returns none when no
// rule applies or the event names nobody. An event without a time counts as of
// receivedAt.
func (p Policy) Suppression(e *webhook.Event, receivedAt time.Time) []Call {
	if isEngagement(e.Metric) {
		return nil
	}
	return p.calls(e, receivedAt)
}

// Engagement returns the calls for opens and clicks, none when no rule applies
// or the event names nobody. An event without a time counts as of receivedAt.
func (p Policy) Engagement(e *webhook.Event, receivedAt time.Time) []Call {
	if !isEngagement(e.Metric) {
		return nil
	}
	return p.calls(e, receivedAt)
}

// Applying returns the names of the rules that apply to the event, whomever it
// names.
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

// calls returns what all rules that apply do: one Identify with the attributes
// of all, then the events, and a suppression last. What came after that would
// be lost.
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
		calls = append(calls, Call{Kind: Suppress, Person: person, At: o.at})
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

// modeFor returns what the rule's "suppress" comes to.
func (p Policy) modeFor(r *rule, f facts) Mode {
	if !r.suppress || p.KeepUnknown && f.class == webhook.BounceUnknown {
		return ModeOff
	}
	return cmp.Or(p.Mode, ModeSuppress)
}

// occurredAt returns the event's time. A time that has not come yet is not
// believed: as At it would keep every later value off the profile until then.
func occurredAt(e *webhook.Event, receivedAt time.Time) time.Time {
	if e.OccurredAt.IsZero() || e.OccurredAt.After(receivedAt.Add(maxSkew)) {
		return receivedAt
	}
	return e.OccurredAt
}
