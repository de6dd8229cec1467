// Package strictyaml reads YAML files of settings. It refuses anything ambiguous, and one
// error lists every mistake of a file.
package strictyaml

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
// hardly the right file.
const maxMistakes = 50

// A Reader collects the mistakes of a file. The caller continues after a mistake, so that one
// error lists every mistake of the file.
type Reader struct {
	// Name is the name of the file in errors.
	Name string
	// Hint returns a text behind the mistake of a key that is not a text. Default: none.
	Hint func(key *yaml.Node) string

	mistakes []mistake
}

// A mistake is one fault of the file, and the line of the fault.
type mistake struct {
	line int
	text string
}

// Addf notes a mistake in a line.
func (r *Reader) Addf(line int, format string, args ...any) {
	r.mistakes = append(r.mistakes, mistake{line, fmt.Sprintf(format, args...)})
}

// Mistakes returns the number of mistakes so far.
func (r *Reader) Mistakes() int { return len(r.mistakes) }

// Prefix puts a text in front of each mistake from index first on.
func (r *Reader) Prefix(first int, text string) {
	for i := range r.mistakes[first:] {
		m := &r.mistakes[first+i]
		m.text = text + m.text
	}
}

// Err joins the mistakes, each as "file:line: text". Err returns nil when the file
// has no mistake.
func (r *Reader) Err() error {
	var errs []error
	for _, m := range r.mistakes[:min(len(r.mistakes), maxMistakes)] {
		errs = append(errs, fmt.Errorf("%s:%d: %s", r.Name, m.line, m.text))
	}
	if n := len(r.mistakes) - maxMistakes; n > 0 {
		errs = append(errs, fmt.Errorf("%s: and %d more mistakes", r.Name, n))
	}
	return errors.Join(errs...)
}

// Mapping calls the key's function for each value of the mapping n. It returns the
// lines of the keys, nil when n is not a mapping.
func (r *Reader) Mapping(n *yaml.Node, what string, keys map[string]func(*yaml.Node)) map[string]int {
	known := strings.Join(slices.Sorted(maps.Keys(keys)), ", ")
	return r.Pairs(n, what, func(key, v *yaml.Node) {
		read, ok := keys[key.Value]
		if !ok {
			r.Addf(key.Line, "unknown key %q in %s; want one of %s", key.Value, what, known)
			return
		}
		read(v)
	})
}

// File is Mapping for the root of a file, which also needs "version: 1".
func (r *Reader) File(root *yaml.Node, keys map[string]func(*yaml.Node)) map[string]int {
	keys["version"] = func(n *yaml.Node) {
		if n.Kind != yaml.ScalarNode || n.Value != "1" || n.Tag != "!!int" {
			r.Addf(n.Line, "version must be 1, not %s", Describe(n))
		}
	}
	seen := r.Mapping(root, "the file", keys)
	if seen != nil && seen["version"] == 0 {
		r.Addf(root.Line, `version is missing; begin the file with "version: 1"`)
	}
	return seen
}

// Pairs calls f for each key of a mapping and its value. A duplicate key is a
// mistake, and f does not see the duplicate. Pairs returns the lines of the keys, nil
// when n is not a mapping.
func (r *Reader) Pairs(n *yaml.Node, what string, f func(key, v *yaml.Node)) map[string]int {
	if !r.Plain(n) {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		r.Addf(n.Line, "%s must be a mapping, not %s", what, Describe(n))
		return nil
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, v := n.Content[i], n.Content[i+1]
		if !r.Plain(key) {
			continue
		}
		if key.Kind != yaml.ScalarNode {
			r.Addf(key.Line, "a key in %s must be a string, not %s%s", what, Describe(key), r.hint(key))
			continue
		}
		if first, ok := seen[key.Value]; ok {
			r.Addf(key.Line, "duplicate key %q in %s; the first one is in line %d", key.Value, what, first)
			continue
		}
		seen[key.Value] = key.Line
		f(key, v)
	}
	return seen
}

// Plain refuses anchors, aliases and tags: with them a file could mean something
// else than a reader of the file sees.
func (r *Reader) Plain(n *yaml.Node) bool {
	switch {
	case n.Kind == yaml.AliasNode, n.Anchor != "":
		r.Addf(n.Line, "anchors and aliases are not supported")
	case n.Style&yaml.TaggedStyle != 0:
		r.Addf(n.Line, "tags such as %s are not supported", n.Tag)
	default:
		return true
	}
	return false
}

// Text reads a text, and notes a mistake about another value.
func (r *Reader) Text(n *yaml.Node, what string) (string, bool) {
	if !r.Plain(n) {
		return "", false
	}
	if n.Kind != yaml.ScalarNode || n.Tag != "!!str" {
		r.Addf(n.Line, "%s must be a string, not %s", what, Describe(n))
		return "", false
	}
	return n.Value, true
}

// Describe describes a value in an error.
func Describe(n *yaml.Node) string {
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

func (r *Reader) hint(key *yaml.Node) string {
	if r.Hint == nil {
		return ""
	}
	return r.Hint(key)
}
