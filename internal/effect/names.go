package effect

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v4"
)

// identifiers are attributes that would turn the profile, or a part of its past,
// into another person's.
// Source: the body of PUT /api/v1/customers/{identifier} in the Track API.
var identifiers = []string{"id", "email", "anonymous_id", "created_at"}

// overrides are properties of an event that change the sender or the recipient of
// a campaign's message.
// Source: "Reserved Properties" of POST /api/v1/customers/{identifier}/events.
var overrides = []string{"from_address", "recipient", "reply_to"}

// checkAttribute returns why a rule cannot set the attribute, or "" when a rule
// can.
func checkAttribute(name string) string {
	lower := strings.ToLower(name)
	switch {
	case lower == "unsubscribed":
		return "cannot be set; use \"unsubscribe: true\""
	case slices.Contains(identifiers, lower), strings.HasPrefix(lower, "_"), strings.HasPrefix(lower, "cio_"):
		return "is reserved by Customer.io"
	}
	return checkName(name, MaxName)
}

func checkData(name string) string {
	if slices.Contains(overrides, strings.ToLower(name)) {
		return "is reserved by Customer.io: it would redirect the messages of campaigns"
	}
	return checkName(name, MaxName)
}

func checkEventName(name string) string { return checkName(name, MaxEventName) }

func checkName(name string, limit int) string {
	switch {
	case name == "":
		return "is empty"
	case len(name) > limit:
		return fmt.Sprintf("has %d bytes, the limit is %d", len(name), limit)
	case strings.TrimSpace(name) != name:
		return "begins or ends with white space"
	case strings.ContainsFunc(name, unicode.IsControl):
		return "contains control characters"
	case strings.Contains(name, "{{"), strings.Contains(name, "}}"):
		return "contains braces; only a value can refer to a field"
	}
	return ""
}

// parseText reads a reference to a field, or a literal string.
func parseText(n *yaml.Node) (v value, why string) {
	field, braces := reference(n.Value)
	switch {
	case field != "":
		return value{field: field}, ""
	case braces:
		return value{}, fmt.Sprintf("is not a reference to a field: %q; want \"{{field}}\" and nothing around the braces, with one of the fields %s", n.Value, strings.Join(slices.Sorted(maps.Keys(fields)), ", "))
	case len(n.Value) > MaxValue:
		return value{}, fmt.Sprintf("has %d bytes, the limit is %d", len(n.Value), MaxValue)
	case n.Style == 0 && ambiguous(n.Value):
		return value{}, "is ambiguous: some versions of YAML read " + n.Value + " as a boolean, others as a string; want true or false, or a string in quotes"
	default:
		return value{literal: n.Value}, ""
	}
}

// ambiguous reports whether versions of YAML disagree on the type of the word.
func ambiguous(s string) bool {
	return slices.Contains([]string{"yes", "no", "on", "off", "y", "n", "true", "false", "null"}, strings.ToLower(s))
}
