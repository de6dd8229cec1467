package effect

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v4"
)

// identifiers would move the person, or a part of the person's past.
// Source: the body of PUT /api/v1/customers/{identifier} in the Track API.
var identifiers = []string{"id", "email", "anonymous_id", "created_at"}

// overrides are data of an event that change where a campaign's message goes.
// Source: "Reserved Properties" of POST /api/v1/customers/{identifier}/events.
var overrides = []string{"from_address", "recipient", "reply_to"}

// checkAttribute says why Customer.io would not take the attribute for one.
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
		return "begins or ends with a blank"
	case strings.ContainsFunc(name, unicode.IsControl):
		return "has control characters"
	case strings.Contains(name, "{{"), strings.Contains(name, "}}"):
		return "has braces; only values can refer to a field"
	}
	return ""
}

// parseText reads a reference or a literal text.
func parseText(n *yaml.Node) (v value, why string) {
	field, braces := reference(n.Value)
	switch {
	case field != "":
		return value{field: field}, ""
	case braces:
		return value{}, fmt.Sprintf("%q is no reference; one is \"{{field}}\" and nothing else, the fields are %s", n.Value, strings.Join(slices.Sorted(maps.Keys(fields)), ", "))
	case len(n.Value) > MaxValue:
		return value{}, fmt.Sprintf("has %d bytes, the limit is %d", len(n.Value), MaxValue)
	case n.Style == 0 && ambiguous(n.Value):
		return value{}, n.Value + " is a text to some readers and a boolean to others; write true or false, or put it in quotes"
	default:
		return value{literal: n.Value}, ""
	}
}

// ambiguous reports whether versions of YAML disagree on what the word is.
func ambiguous(s string) bool {
	return slices.Contains([]string{"yes", "no", "on", "off", "y", "n", "true", "false", "null"}, strings.ToLower(s))
}
