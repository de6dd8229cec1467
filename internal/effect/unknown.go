package effect

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/cioevents/cioevents/pkg/webhook"
)

// Customer.io adds object types and metrics without notice, and ingest stores events
// with words that this version does not know. A rule may name such words.

// maxUnknown bounds the unknown object types and metrics of a file, and maxWords the words
// of one list. checkTogether tries every pair of an object type and a metric.
const (
	maxUnknown = 20
	maxWords   = 50
)

// wordForm matches the words that an event can have: Parse puts words into lower case,
// and a subject of the stream has no other characters.
var wordForm = regexp.MustCompile(`^[a-z0-9_-]{1,64}$`)

// aliases are words that webhook.Parse replaces, so that no event has them.
var aliases = map[webhook.Metric]webhook.Metric{
	"complained": webhook.Spammed,
	"customer_subscription_preferences_changed": webhook.PreferencesChanged,
}

// checkWord returns the fault of a word that no event can have.
func checkWord[T ~string](w T) string {
	if !wordForm.MatchString(string(w)) {
		return "is a word that no event has; want a-z, 0-9, '_' and '-', at most 64 characters"
	}
	return ""
}

func checkMetric(m webhook.Metric) string {
	if name, ok := aliases[m]; ok {
		return "is called " + string(name)
	}
	return checkWord(m)
}

// Warnings returns a line for each word of the rules that this version does not know,
// each with the name of the file, the line of the rule and the nearest known word.
func (r *Rules) Warnings() []string {
	var list []string
	for i := range r.rules {
		rule := &r.rules[i]
		for _, c := range []condition{rule.when, rule.unless} {
			list = append(list, warn(r.name, rule, "object_type", c.objectTypes, objectTypes)...)
			list = append(list, warn(r.name, rule, "metric", c.metrics, metrics)...)
		}
	}
	return list
}

func warn[T ~string](file string, rule *rule, key string, words, known []T) []string {
	var list []string
	for _, w := range without(words, known) {
		list = append(list, fmt.Sprintf("%s:%d: rule %s: this version does not know the %s %q; the nearest known word is %q",
			file, rule.line, rule.name, key, w, nearest(w, known)))
	}
	return list
}

// without returns the words of list that are not in known.
func without[T comparable](list, known []T) []T {
	return slices.DeleteFunc(slices.Clone(list), func(w T) bool { return slices.Contains(known, w) })
}

// named returns the unknown words of the rules' conditions, each once. named stops soon
// after maxUnknown words.
func named[T comparable](rules []rule, known []T, words func(*condition) []T) []T {
	var list []T
	for i := range rules {
		for _, c := range []*condition{&rules[i].when, &rules[i].unless} {
			if len(list) <= maxUnknown {
				list = append(list, without(words(c), slices.Concat(known, list))...)
			}
		}
	}
	return list
}

func unknownTypes(rules []rule) []webhook.ObjectType {
	return named(rules, objectTypes, func(c *condition) []webhook.ObjectType { return c.objectTypes })
}

func unknownMetrics(rules []rule) []webhook.Metric {
	return named(rules, metrics, func(c *condition) []webhook.Metric { return c.metrics })
}

// nearest returns the known word with the smallest distance to w.
func nearest[T ~string](w T, known []T) T {
	return slices.MinFunc(known, func(a, b T) int { return distance(string(w), string(a)) - distance(string(w), string(b)) })
}

// distance is the number of characters to insert, remove or replace that turn a into b
// (Levenshtein). row[j] is the distance of a prefix of a to b[:j].
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0]++
		for j := range len(b) {
			replace := diagonal
			if a[i] != b[j] {
				replace++
			}
			diagonal = row[j+1]
			row[j+1] = min(replace, diagonal+1, row[j]+1)
		}
	}
	return row[len(b)]
}
