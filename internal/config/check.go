package config

import (
	"fmt"
	"slices"
	"strings"
)

// Invalid returns the error about the value of a setting: invalid NAME "value":
// want ... The accepted form, want, is a phrase such as "a number above 0". A secret
// must not be passed, because the error quotes the value.
func Invalid(name, value, want string) error {
	return fmt.Errorf("invalid %s %q: want %s", name, value, want)
}

// OneOf returns an error unless the value of a setting is an allowed value.
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

// Positive returns an error unless the value of a setting is above 0.
func Positive[T int | int64 | float64](name string, value T) error {
	if value > 0 {
		return nil
	}
	return Invalid(name, fmt.Sprint(value), "a number above 0")
}

// Together returns an error if only one of two settings has a value.
func Together(name1, value1, name2, value2 string) error {
	if (value1 == "") != (value2 == "") {
		return fmt.Errorf("%s, %s: set both or none", name1, name2)
	}
	return nil
}
