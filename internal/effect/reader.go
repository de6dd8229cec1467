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

// maxMistakes bounds the mistakes in an error. A file with more than 50 mistakes is
// hardly a file of rules.
const maxMistakes = 50

// A reader turns YAML into rules. The reader continues after a mistake, so that
// one error lists every mistake of the file.
type reader struct {
	name     string // of the file
	mistakes []mistake
}

// A mistake is one fault of the file, and the line of the fault.
type mistake struct {
	line int
	text string
}

func (r *reader) addf(line int, format string, args ...any) {
	r.mistakes = append(r.mistakes, mistake{line, fmt.Sprintf(format, args...)})
}

// nameRule puts the rule's name in front of each mistake from index first on.
func (r *reader) nameRule(name string, first int) {
	for i := range r.mistakes[first:] {
		m := &r.mistakes[first+i]
		m.text = "rule " + name + ": " + m.text
	}
}

// err joins the mistakes, each as "file:line: text". It returns nil when the file
// has no mistake.
func (r *reader) err() error {
	var errs []error
	for _, m := range r.mistakes[:min(len(r.mistakes), maxMistakes)] {
		errs = append(errs, fmt.Errorf("%s:%d: %s", r.name, m.line, m.text))
	}
	if n := len(r.mistakes) - maxMistakes; n > 0 {
		errs = append(errs, fmt.Errorf("%s: and %d more mistakes", r.name, n))
	}
	return errors.Join(errs...)
}

// mapping calls the key's function for each value of the mapping n. It returns the
// lines of the keys, nil when n is not a mapping.
func (r *reader) mapping(n *yaml.Node, what string, keys map[string]func(*yaml.Node)) map[string]int {
	known := strings.Join(slices.Sorted(maps.Keys(keys)), ", ")
	return r.pairs(n, what, func(key, v *yaml.Node) {
		read, ok := keys[key.Value]
		if !ok {
			r.addf(key.Line, "unknown key %q in %s; want one of %s", key.Value, what, known)
			return
		}
		read(v)
	})
}

// pairs calls f for each key of a mapping and its value. A duplicate key is a
// mistake, and f does not see the duplicate. pairs returns the lines of the keys, nil
// when n is not a mapping.
func (r *reader) pairs(n *yaml.Node, what string, f func(key, v *yaml.Node)) map[string]int {
	if !r.plain(n) {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		r.addf(n.Line, "%s must be a mapping, not %s", what, describe(n))
		return nil
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, v := n.Content[i], n.Content[i+1]
		if !r.plain(key) {
			continue
		}
		if key.Kind != yaml.ScalarNode {
			r.addf(key.Line, "a key in %s must be a string, not %s%s", what, describe(key), bracesHint(key))
			continue
		}
		if first, ok := seen[key.Value]; ok {
			r.addf(key.Line, "duplicate key %q in %s; the first one is in line %d", key.Value, what, first)
			continue
		}
		seen[key.Value] = key.Line
		f(key, v)
	}
	return seen
}

// plain refuses anchors, aliases and tags: with them a file could mean something
// else than a reader of the file sees.
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
		r.addf(n.Line, "%s must be a string, not %s", what, describe(n))
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

// words reads one word or a list of words. check returns the fault of an unknown word, or
// "" for a word that a later version may know. Without check each word must be known.
func words[T ~string](r *reader, n *yaml.Node, what string, known []T, check func(T) string) []T {
	items := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode && r.plain(n) {
		items = n.Content
		if len(items) == 0 {
			r.addf(n.Line, "%s is an empty list; want one or more of %s", what, join(known))
		}
	}
	if len(items) > maxWords {
		r.addf(n.Line, "%s has %d words, the limit is %d", what, len(items), maxWords)
		return nil
	}
	var list []T
	for _, item := range items {
		s, ok := r.text(item, what)
		switch word := T(s); {
		case !ok:
		case !slices.Contains(known, word) && check == nil:
			r.addf(item.Line, "unknown %s %q; want one of %s", what, s, join(known))
		case !slices.Contains(known, word) && check(word) != "":
			r.addf(item.Line, "%s %q %s", what, s, check(word))
		case slices.Contains(list, word):
			r.addf(item.Line, "duplicate %s %q", what, s)
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

// bracesHint explains a {{field}} without quotes: YAML reads the braces as two
// mappings.
func bracesHint(n *yaml.Node) string {
	if n.Kind == yaml.MappingNode {
		return `; put a field in quotes: "{{occurred_at}}"`
	}
	return ""
}
