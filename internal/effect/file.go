package effect

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // for the built-in rules
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/cioevents/cioevents/internal/strictyaml"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// maxFile bounds the size of a file, in bytes. A rule has about 200 bytes, and ten
// rules are many.
const maxFile = 1 << 20

// Rules are the rules of one file. They are immutable.
type Rules struct {
	name     string // of the file
	rules    []rule
	byMetric map[webhook.Metric][]*rule
	digest   string
}

//go:embed default.yaml
var builtin []byte

// BuiltinFile returns the file of the built-in rules, with its comments.
func BuiltinFile() []byte { return bytes.Clone(builtin) }

// builtinRules returns the rules that apply when no file replaces them.
var builtinRules = sync.OnceValue(func() *Rules {
	r, err := Parse("default.yaml", builtin)
	if err != nil {
		panic(err) // never: the file is part of the program, and tests parse it
	}
	return r
})

// ReadRules reads the file at path, of at most 1 MiB. The error lists every mistake
// of the file, each with the label, the path and the line:
// "EFFECTS_FILE: effects.yaml:12: …". The label may be "".
func ReadRules(label, path string) (*Rules, error) {
	if label != "" {
		label += ": "
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%s%w", label, err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("%s%w", label, err)
	}
	return Parse(label+path, data)
}

// Parse reads the content of a file of rules. The error joins every mistake in the
// file's order, each with the name and the line number in front.
func Parse(name string, data []byte) (*Rules, error) {
	if len(data) > maxFile {
		return nil, fmt.Errorf("%s: the file exceeds the limit of %d bytes", name, maxFile)
	}
	root, err := strictyaml.Parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s%w", name, err)
	}
	r := &reader{strictyaml.Reader{Name: name, Hint: bracesHint}}
	rules := r.file(root)
	r.checkTogether(rules)
	if err := r.Err(); err != nil {
		return nil, err
	}
	parsed := newRules(name, rules)
	parsed.digest = fmt.Sprintf("%x", sha256.Sum256(data))
	return parsed, nil
}

func newRules(name string, rules []rule) *Rules {
	byMetric := map[webhook.Metric][]*rule{}
	for i := range rules {
		for _, m := range rules[i].when.metrics {
			byMetric[m] = append(byMetric[m], &rules[i])
		}
	}
	return &Rules{name: name, rules: rules, byMetric: byMetric}
}

// Names returns the names of the rules in the file's order.
func (r *Rules) Names() []string {
	names := make([]string, len(r.rules))
	for i := range r.rules {
		names[i] = r.rules[i].name
	}
	return names
}

// Digest returns the SHA-256 of the file's content in hex.
func (r *Rules) Digest() string { return r.digest }

// Suppresses reports whether any rule has suppress, which deletes people in
// ModeSuppress.
func (r *Rules) Suppresses() bool {
	for i := range r.rules {
		if r.rules[i].suppress {
			return true
		}
	}
	return false
}
