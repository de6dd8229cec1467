package effect

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/cioevents/cioevents/internal/strictyaml"
)

// A reader turns YAML into rules.
type reader struct{ strictyaml.Reader }

// nameRule puts the rule's name in front of each mistake from index first on.
func (r *reader) nameRule(name string, first int) { r.Prefix(first, "rule "+name+": ") }

func (r *reader) boolean(n *yaml.Node, what string) bool {
	if !r.Plain(n) {
		return false
	}
	if n.Kind != yaml.ScalarNode || n.Tag != "!!bool" {
		r.Addf(n.Line, "%s must be true or false, not %s", what, strictyaml.Describe(n))
		return false
	}
	return strings.EqualFold(n.Value, "true")
}

// words reads one word or a list of words. check returns the fault of an unknown word, or
// "" for a word that a later version may know. Without check each word must be known.
func words[T ~string](r *reader, n *yaml.Node, what string, known []T, check func(T) string) []T {
	items := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode && r.Plain(n) {
		items = n.Content
		if len(items) == 0 {
			r.Addf(n.Line, "%s is an empty list; want one or more of %s", what, join(known))
		}
	}
	if len(items) > maxWords {
		r.Addf(n.Line, "%s has %d words, the limit is %d", what, len(items), maxWords)
		return nil
	}
	var list []T
	for _, item := range items {
		s, ok := r.Text(item, what)
		switch word := T(s); {
		case !ok:
		case !slices.Contains(known, word) && check == nil:
			r.Addf(item.Line, "unknown %s %q; want one of %s", what, s, join(known))
		case !slices.Contains(known, word) && check(word) != "":
			r.Addf(item.Line, "%s %q %s", what, s, check(word))
		case slices.Contains(list, word):
			r.Addf(item.Line, "duplicate %s %q", what, s)
		default:
			list = append(list, word)
		}
	}
	return list
}

func join[T ~string](list []T) string {
	texts := make([]string, len(list))
	for i, s := range list {
		texts[i] = string(s)
	}
	return strings.Join(texts, ", ")
}

// bracesHint explains a {{field}} without quotes: YAML reads the braces as two
// mappings.
func bracesHint(n *yaml.Node) string {
	if n.Kind == yaml.MappingNode {
		return `; put a field in quotes: "{{occurred_at}}"`
	}
	return ""
}
