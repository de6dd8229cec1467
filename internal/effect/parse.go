package effect

import (
	"regexp"
	"strconv"

	"go.yaml.in/yaml/v4"

	"github.com/cioevents/cioevents/internal/strictyaml"
)

// maxAttributes is Customer.io's limit without the three attributes that the
// rules do not name: unsubscribed, _update and _timestamp. maxAttributes also
// keeps the data of an event far below Customer.io's limit of 100 kB.
const maxAttributes = MaxAttributes - 3

var ruleName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,63}$`)

// file reads the whole file. It returns the rules without a mistake.
func (r *reader) file(root *yaml.Node) []rule {
	var rules []rule
	seen := r.File(root, map[string]func(*yaml.Node){"rules": func(n *yaml.Node) { rules = r.rules(n) }})
	if seen != nil && seen["rules"] == 0 {
		r.Addf(root.Line, `rules are missing; write "rules: []" for a file without rules`)
	}
	return rules
}

func (r *reader) rules(n *yaml.Node) []rule {
	if !r.Plain(n) {
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		r.Addf(n.Line, "rules must be a list, not %s", strictyaml.Describe(n))
		return nil
	}
	rules := make([]rule, 0, len(n.Content))
	names := map[string]int{}
	for _, item := range n.Content {
		before := r.Mistakes()
		rule := r.rule(item)
		if rule.name == "" {
			continue // a mistake already
		}
		if first, ok := names[rule.name]; ok {
			r.Addf(rule.line, "duplicate name; the first rule of this name is in line %d", first)
		}
		names[rule.name] = rule.line
		if r.Mistakes() == before {
			rules = append(rules, rule)
		}
		r.nameRule(rule.name, before)
	}
	return rules
}

// rule reads one rule. A rule without a valid name has a mistake and no name.
func (r *reader) rule(n *yaml.Node) rule {
	out := rule{line: n.Line}
	before := r.Mistakes()
	keys := map[string]func(*yaml.Node){
		"name": func(n *yaml.Node) {
			name, ok := r.Text(n, "name")
			if ok && !ruleName.MatchString(name) {
				r.Addf(n.Line, "invalid name %q: want a-z, 0-9, '_' and '-', at most 64 characters, first a letter or a digit", name)
				return
			}
			out.name = name
		},
		"when":          func(n *yaml.Node) { out.when = r.condition(n, "when") },
		"unless":        func(n *yaml.Node) { out.unless = r.condition(n, "unless") },
		"set":           func(n *yaml.Node) { out.set = r.assignments(n, "set", checkAttribute) },
		"track":         func(n *yaml.Node) { out.track = r.track(n) },
		"suppress":      func(n *yaml.Node) { out.suppress = r.boolean(n, "suppress") },
		"unsubscribe":   func(n *yaml.Node) { out.unsubscribe = r.boolean(n, "unsubscribe") },
		"any_recipient": func(n *yaml.Node) { out.anyRecipient = r.boolean(n, "any_recipient") },
	}
	seen := r.Mapping(n, "a rule", keys)
	if seen == nil {
		return out
	}
	if out.name == "" && r.Mistakes() == before {
		r.Addf(n.Line, "the rule has no name; want a name such as sms-bounce")
	}
	if seen["when"] == 0 {
		r.Addf(n.Line, "when is missing; want a condition such as {metric: bounced}")
	}
	if r.Mistakes() == before {
		r.checkRule(&out)
	}
	return out
}

func (r *reader) condition(n *yaml.Node, what string) condition {
	var c condition
	keys := map[string]func(*yaml.Node){
		"object_type":  func(n *yaml.Node) { c.objectTypes = words(r, n, "object_type", objectTypes, checkWord) },
		"metric":       func(n *yaml.Node) { c.metrics = words(r, n, "metric", metrics, checkMetric) },
		"bounce_class": func(n *yaml.Node) { c.classes = words(r, n, "bounce_class", bounceClasses, nil) },
		"machine": func(n *yaml.Node) {
			machine := r.boolean(n, "machine")
			c.machine = &machine
		},
	}
	before := r.Mistakes()
	if r.Mapping(n, what, keys) != nil && c.empty() && r.Mistakes() == before {
		r.Addf(n.Line, "%s is empty; want one or more of bounce_class, machine, metric, object_type", what)
	}
	return c
}

func (r *reader) track(n *yaml.Node) *track {
	var t track
	keys := map[string]func(*yaml.Node){
		"event": func(n *yaml.Node) {
			var ok bool
			if t.event, ok = r.Text(n, "event"); !ok {
				return
			}
			if why := checkEventName(t.event); why != "" {
				r.Addf(n.Line, "event %q %s", t.event, why)
			}
		},
		"data":           func(n *yaml.Node) { t.data = r.assignments(n, "data", checkData) },
		"without_cio_id": func(n *yaml.Node) { t.withoutCioID = r.boolean(n, "without_cio_id") },
	}
	before := r.Mistakes()
	if r.Mapping(n, "track", keys) != nil && t.event == "" && r.Mistakes() == before {
		r.Addf(n.Line, "track has no event; want the name of the event to send")
	}
	return &t
}

// assignments reads names and their values. check returns the fault of a name, or
// "" for a valid name.
func (r *reader) assignments(n *yaml.Node, what string, check func(string) string) []assignment {
	var list []assignment
	r.Pairs(n, what, func(key, v *yaml.Node) {
		if why := check(key.Value); why != "" {
			r.Addf(key.Line, "%s: %q %s", what, key.Value, why)
		}
		value, why := parseValue(v)
		if why != "" {
			r.Addf(v.Line, "%s: the value of %q %s", what, key.Value, why)
		}
		list = append(list, assignment{key.Value, key.Line, value})
	})
	if n.Kind == yaml.MappingNode && len(n.Content) == 0 {
		r.Addf(n.Line, "%s is empty; want one or more names with their values", what)
	}
	if len(list) > maxAttributes {
		r.Addf(n.Line, "%s has %d names, the limit is %d", what, len(list), maxAttributes)
	}
	return list
}

var decimal = regexp.MustCompile(`^(0|-?[1-9]\d*)$`)

// parseValue reads a literal or a reference. why is the fault of an invalid value,
// to follow the words "the value".
func parseValue(n *yaml.Node) (v value, why string) {
	switch {
	case n.Kind == yaml.AliasNode, n.Anchor != "", n.Style&yaml.TaggedStyle != 0:
		return value{}, "has an anchor, an alias or a tag, which are not supported"
	case n.Kind != yaml.ScalarNode:
		return value{}, "must be a string, true, false or a whole number, not " + strictyaml.Describe(n) + bracesHint(n)
	}
	switch n.Tag {
	case "!!bool":
		b, err := strconv.ParseBool(n.Value)
		if err != nil {
			return value{}, "must be spelled true or false"
		}
		return value{literal: b}, ""
	case "!!int":
		i, err := strconv.ParseInt(n.Value, 10, 64)
		if err != nil || !decimal.MatchString(n.Value) {
			return value{}, "must be a decimal number that fits in 64 bits; put a string in quotes"
		}
		return value{literal: i}, ""
	case "!!str":
		return parseText(n)
	default:
		return value{}, "must be a string, true, false or a whole number, not " + strictyaml.Describe(n) + "; put a string in quotes"
	}
}
