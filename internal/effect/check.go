package effect

import (
	"slices"

	"github.com/cioevents/cioevents/pkg/webhook"
)

// checkRule finds what is wrong with a rule for itself.
func (r *reader) checkRule(rule *rule) {
	addf := func(format string, args ...any) {
		r.addf(rule.line, "rule "+rule.name+": "+format, args...)
	}
	if len(rule.set) == 0 && rule.track == nil && !rule.suppress && !rule.unsubscribe {
		addf("does nothing; it needs set, track, suppress or unsubscribe")
	}
	if len(rule.when.metrics) == 0 {
		addf("when names no metric")
		return
	}
	for _, m := range rule.when.metrics {
		if isEngagement(m) && rule.unsubscribe {
			addf("metric %s cannot unsubscribe", m)
		}
		if rule.suppress && !slices.Contains(maySuppress, m) {
			addf("metric %s cannot suppress, which deletes people for good; only %s can", m, join(maySuppress))
		}
	}
	if rule.suppress && (len(rule.when.objectTypes) == 0 || slices.Contains(rule.when.objectTypes, webhook.Push)) {
		addf("suppress needs an object_type, and not push: a dead device must not delete a person")
	}
	if !slices.ContainsFunc(allFacts(), rule.applies) {
		addf("never applies: no event is like that")
	}
}

// checkTogether finds what is wrong with rules that apply to one event. It goes
// through every case that conditions can tell apart.
func (r *reader) checkTogether(rules []rule) {
	seen := map[clash]bool{}
	tooMany := false
	for _, f := range allFacts() {
		n := r.checkCase(rules, f, seen)
		if n > maxAttributes && !tooMany {
			tooMany = true
			r.addf(1, "the rules set %d attributes for one event, the limit is %d: %s", n, maxAttributes, f)
		}
	}
}

// A clash is two rules, by their indexes, that set one attribute.
type clash struct {
	first, second int
	name          string
}

// checkCase checks the rules that apply to one case, and returns the number of
// attributes that they set. Clashes in seen are not reported again.
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
				r.addf(a.line, "rule %s sets %q, which rule %s (line %d) sets for the same event: %s", rules[i].name, a.name, rules[first].name, rules[first].line, f)
			}
		}
	}
	return len(setBy)
}

// checkCircle refuses to answer Customer.io's report of an opt-out, which it
// makes whenever unsubscribed is set, by setting unsubscribed. To suppress does
// that, too, in ModeUnsubscribe.
func (r *reader) checkCircle(rule *rule, f facts) {
	if (rule.unsubscribe || rule.suppress) && f.objectType == webhook.Customer && f.metric == webhook.Unsubscribed {
		r.addf(rule.line, "rule %s: would answer Customer.io's report of an opt-out with another one; add \"unless: {object_type: customer}\"", rule.name)
	}
}

// String names the case in a mistake.
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
