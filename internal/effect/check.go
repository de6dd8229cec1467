package effect

import (
	"slices"

	"github.com/cioevents/cioevents/pkg/webhook"
)

// checkRule checks a rule on its own. checkTogether checks the rules as a set.
func (r *reader) checkRule(rule *rule) {
	addf := func(format string, args ...any) { r.Addf(rule.line, format, args...) }
	if len(rule.set) == 0 && rule.track == nil && !rule.suppress && !rule.unsubscribe {
		addf("the rule does nothing; want one or more of set, track, suppress, unsubscribe")
	}
	if len(rule.when.metrics) == 0 {
		addf("when has no metric; want one or more of %s", join(metrics))
		return
	}
	for _, m := range rule.when.metrics {
		if isEngagement(m) && rule.unsubscribe {
			addf("metric %s cannot unsubscribe; every metric but opened and clicked can", m)
		}
		if rule.suppress && !slices.Contains(maySuppress, m) {
			addf("metric %s cannot suppress, because suppress deletes people for good; only %s can", m, join(maySuppress))
		}
	}
	if rule.suppress && (len(rule.when.objectTypes) == 0 || slices.Contains(rule.when.objectTypes, webhook.Push)) {
		addf("suppress needs an object_type other than push: a dead device must not delete a person")
	}
	if !slices.ContainsFunc(allFacts(*rule), rule.applies) {
		addf("the rule never applies: no event matches its conditions")
	}
}

// checkTogether checks the rules that apply to the same event, for every case that
// conditions can tell apart.
func (r *reader) checkTogether(rules []rule) {
	if n := len(unknownTypes(rules)) + len(unknownMetrics(rules)); n > maxUnknown {
		r.Addf(1, "the rules name more than %d object types and metrics that this version does not know", maxUnknown)
		return
	}
	seen := map[clash]bool{}
	tooMany := false
	for _, f := range allFacts(rules...) {
		n := r.checkCase(rules, f, seen)
		if n > maxAttributes && !tooMany {
			tooMany = true
			r.Addf(1, "the rules set %d attributes for one event, the limit is %d: %s", n, maxAttributes, f)
		}
	}
}

// A clash is two rules, by their indexes, that set one attribute.
type clash struct {
	first, second int
	name          string
}

// checkCase checks the rules for a single case and returns the number of attributes
// that the rules set. Clashes in seen are not reported again.
func (r *reader) checkCase(rules []rule, f facts, seen map[clash]bool) int {
	setBy := map[string]int{}
	for i := range rules {
		if !rules[i].applies(f) {
			continue
		}
		r.checkCircle(&rules[i], f)
		for _, a := range rules[i].set {
			first, taken := setBy[a.name]
			if !taken {
				setBy[a.name] = i
				continue
			}
			if c := (clash{first, i, a.name}); !seen[c] {
				seen[c] = true
				r.Addf(a.line, "rule %s: attribute %q is also set by rule %s (line %d) for the same event: %s", rules[i].name, a.name, rules[first].name, rules[first].line, f)
			}
		}
	}
	return len(setBy)
}

// checkCircle refuses a rule that answers Customer.io's report of an opt-out with
// another opt-out. Customer.io reports an opt-out whenever the attribute
// unsubscribed is set, so the two could alternate forever. suppress sets
// unsubscribed, too, in ModeUnsubscribe.
func (r *reader) checkCircle(rule *rule, f facts) {
	if (rule.unsubscribe || rule.suppress) && f.objectType == webhook.Customer && f.metric == webhook.Unsubscribed {
		r.Addf(rule.line, "rule %s: would answer Customer.io's report of an opt-out with another opt-out; add \"unless: {object_type: customer}\"", rule.name)
	}
}

// String describes the case in a mistake: "email bounced, hard".
func (f facts) String() string {
	s := string(f.objectType)
	if s == "" {
		s = "any"
	}
	s += " " + string(f.metric)
	if f.class != "" {
		s += ", " + string(f.class)
	}
	if f.machine {
		s += ", by a machine"
	}
	return s
}
