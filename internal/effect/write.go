package effect

import (
	"fmt"
	"regexp"

	"go.yaml.in/yaml/v4"
)

// YAML returns the rules as a file with the same meaning: the keys in a fixed order,
// a list only for several words, and no comments.
func (r *Rules) YAML() ([]byte, error) {
	list := &yaml.Node{Kind: yaml.SequenceNode}
	for i := range r.rules {
		list.Content = append(list.Content, r.rules[i].node())
	}
	if len(list.Content) == 0 {
		list.Style = yaml.FlowStyle
	}
	root := mapping(0)
	put(root, "version", scalar(1))
	put(root, "rules", list)
	out, err := yaml.Dump(root, yaml.WithLineWidth(-1), yaml.WithCompactSeqIndent(false))
	if err != nil {
		return nil, fmt.Errorf("write rules: %w", err)
	}
	return out, nil
}

func (r *rule) node() *yaml.Node {
	n := mapping(0)
	put(n, "name", scalar(r.name))
	put(n, "when", r.when.node())
	if !r.unless.empty() {
		put(n, "unless", r.unless.node())
	}
	if len(r.set) > 0 {
		put(n, "set", assignmentsNode(r.set))
	}
	if r.track != nil {
		put(n, "track", r.track.node())
	}
	if r.suppress {
		put(n, "suppress", scalar(true))
	}
	if r.unsubscribe {
		put(n, "unsubscribe", scalar(true))
	}
	if r.anyRecipient {
		put(n, "any_recipient", scalar(true))
	}
	return n
}

func (c *condition) node() *yaml.Node {
	n := mapping(yaml.FlowStyle)
	if len(c.objectTypes) > 0 {
		put(n, "object_type", wordsNode(c.objectTypes))
	}
	if len(c.metrics) > 0 {
		put(n, "metric", wordsNode(c.metrics))
	}
	if c.machine != nil {
		put(n, "machine", scalar(*c.machine))
	}
	if len(c.classes) > 0 {
		put(n, "bounce_class", wordsNode(c.classes))
	}
	return n
}

func (t *track) node() *yaml.Node {
	n := mapping(0)
	put(n, "event", scalar(t.event))
	if len(t.data) > 0 {
		put(n, "data", assignmentsNode(t.data))
	}
	if t.withoutCioID {
		put(n, "without_cio_id", scalar(true))
	}
	return n
}

func assignmentsNode(list []assignment) *yaml.Node {
	n := mapping(0)
	for _, a := range list {
		v := scalar(a.value.literal)
		if a.value.field != "" {
			v = scalar("{{" + a.value.field + "}}")
		}
		put(n, a.name, v)
	}
	return n
}

func wordsNode[T ~string](list []T) *yaml.Node {
	if len(list) == 1 {
		return scalar(string(list[0]))
	}
	n := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
	for _, w := range list {
		n.Content = append(n.Content, scalar(string(w)))
	}
	return n
}

func mapping(style yaml.Style) *yaml.Node { return &yaml.Node{Kind: yaml.MappingNode, Style: style} }

func put(n *yaml.Node, key string, v *yaml.Node) { n.Content = append(n.Content, scalar(key), v) }

// word matches the strings that need no quotes in YAML, except ambiguous ones.
var word = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]*$`)

func scalar(v any) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Value: fmt.Sprint(v)}
	switch v := v.(type) {
	case bool:
		n.Tag = "!!bool"
	case string:
		n.Tag = "!!str"
		if !word.MatchString(v) || ambiguous(v) {
			n.Style = yaml.DoubleQuotedStyle
		}
	default:
		n.Tag = "!!int"
	}
	return n
}
