package config

import (
	"fmt"
	"slices"
	"strings"
)

// Invalid reports the value of a setting with the accepted form: a phrase such
// as "a number above 0". It quotes the value, so it is not for secrets.
func Invalid(name, value, want string) error {
	return fmt.Errorf("invalid %s %q: want %s", name, value, want)
}

// OneOf reports a setting whose value is not among those allowed.
func OneOf(name, value string, allowed ...string) error {
	if slices.Contains(allowed, value) {
		return nil
	}
	last := len(allowed) - 1
	if last == 0 {
		return Invalid(name, value, allowed[0])
	}
	return Invalid(name, value, strings.Join(allowed[:last], ", ")+" or "+allowed[last])
}

// Positive reports a setting whose value is not above 0.
func Positive[T int | int64 | float64](name string, value T) error {
	if value > 0 {
		return nil
	}
	return Invalid(name, fmt.Sprint(value), "a number above 0")
}

// Together reports two settings of which only one has a value.
func Together(name1, value1, name2, value2 string) error {
	if (value1 == "") != (value2 == "") {
		return fmt.Errorf("%s, %s: set both or none", name1, name2)
	}
	return nil
}
