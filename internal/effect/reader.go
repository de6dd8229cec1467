package effect

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// maxMistakes is how many mistakes are told. A file with more is another file.
const maxMistakes = 50

// A reader turns YAML into rules. It goes on after a mistake, so that all of
// them are told at once.
type reader struct {
	name     string
	mistakes []error
}

func (r *reader) addf(line int, format string, args ...any) {
	r.mistakes = append(r.mistakes, fmt.Errorf("%s:%d: %s", r.name, line, fmt.Sprintf(format, args...)))
}

func (r *reader) err() error {
	if n := len(r.mistakes) - maxMistakes; n > 0 {
		r.mistakes = append(r.mistakes[:maxMistakes], fmt.Errorf("%s: and %d more", r.name, n))
	}
	return errors.Join(r.mistakes...)
}

// mapping calls the key's function for each value of the mapping. It returns
// false when n is no mapping.
func (r *reader) mapping(n *yaml.Node, what string, keys map[string]func(*yaml.Node)) bool {
	known := strings.Join(slices.Sorted(maps.Keys(keys)), ", ")
	return r.pairs(n, what, func(key, v *yaml.Node) {
		read, ok := keys[key.Value]
		if !ok {
			r.addf(key.Line, "%s has no key %q; it has %s", what, key.Value, known)
			return
		}
		read(v)
	})
}

// pairs calls f for each key and value of a mapping, once for each key.
func (r *reader) pairs(n *yaml.Node, what string, f func(key, v *yaml.Node)) bool {
	if !r.plain(n) {
		return false
	}
	if n.Kind != yaml.MappingNode {
		r.addf(n.Line, "%s must be a mapping, not %s", what, describe(n))
		return false
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, v := n.Content[i], n.Content[i+1]
		if !r.plain(key) {
			continue
		}
		if key.Kind != yaml.ScalarNode {
			r.addf(key.Line, "a key of %s is %s%s", what, describe(key), bracesHint(key))
			continue
		}
		if first, ok := seen[key.Value]; ok {
			r.addf(key.Line, "%q is there already, in line %d", key.Value, first)
			continue
		}
		seen[key.Value] = key.Line
		f(key, v)
	}
	return true
}

// plain refuses what would let a file mean something else than it seems to:
// anchors, aliases and tags.
func (r *reader) plain(n *yaml.Node) bool {
	switch {
	case n.Kind == yaml.AliasNode, n.Anchor != "":
		r.addf(n.Line, "anchors and aliases are not supported")
	case n.Style&yaml.TaggedStyle != 0:
		r.addf(n.Line, "tags such as %s are not supported", n.Tag)
	default:
		return true
	}
	return false
}

func (r *reader) text(n *yaml.Node, what string) (string, bool) {
	if !r.plain(n) {
		return "", false
	}
	if n.Kind != yaml.ScalarNode || n.Tag != "!!str" {
		r.addf(n.Line, "%s must be a text, not %s", what, describe(n))
		return "", false
	}
	return n.Value, true
}

func (r *reader) boolean(n *yaml.Node, what string) bool {
	if !r.plain(n) {
		return false
	}
	if n.Kind != yaml.ScalarNode || n.Tag != "!!bool" {
		r.addf(n.Line, "%s must be true or false, not %s", what, describe(n))
		return false
	}
	return strings.EqualFold(n.Value, "true")
}

// words reads one word or a list of words, each one of the known ones.
func words[T ~string](r *reader, n *yaml.Node, what string, known []T) []T {
	items := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode && r.plain(n) {
		items = n.Content
		if len(items) == 0 {
			r.addf(n.Line, "%s is an empty list; leave it out to mean any", what)
		}
	}
	var list []T
	for _, item := range items {
		s, ok := r.text(item, what)
		switch word := T(s); {
		case !ok:
		case !slices.Contains(known, word):
			r.addf(item.Line, "%s %q is unknown; the words are %s", what, s, join(known))
		case slices.Contains(list, word):
			r.addf(item.Line, "%s %q is there twice", what, s)
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

func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	default:
		if n.Tag == "!!null" {
			return "nothing"
		}
		return strconv.Quote(n.Value)
	}
}

// bracesHint helps with {{field}} without quotes, which YAML takes for mappings.
func bracesHint(n *yaml.Node) string {
	if n.Kind == yaml.MappingNode {
		return `; write a field with quotes: "{{occurred_at}}"`
	}
	return ""
}
