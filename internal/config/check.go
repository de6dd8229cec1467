package config

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// An InvalidError reports the value of a setting: invalid NAME "value": want ... Load
// replaces the name of the variable by the flag if the operator gave the flag.
type InvalidError struct {
	name, value, want string
	hidden            bool // value is not printed
}

func (e *InvalidError) Error() string {
	if e.hidden {
		return fmt.Sprintf("invalid %s: want %s", e.name, e.want)
	}
	return fmt.Sprintf("invalid %s %q: want %s", e.name, e.value, e.want)
}

// Invalid returns an InvalidError. The accepted form, want, is a phrase such as "a number
// above 0". A secret must not be passed, because the error quotes the value.
func Invalid(name, value, want string) error {
	return &InvalidError{name: name, value: value, want: want}
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

// Together returns an error if only one of two settings has a value.
func Together(name1, value1, name2, value2 string) error {
	if (value1 == "") != (value2 == "") {
		return fmt.Errorf("%s, %s: set both or none", name1, name2)
	}
	return nil
}

// WebAddress returns an error unless the value of a setting is an http or https address.
// The error does not quote the value, which may contain a password.
func WebAddress(name, value, example string) error {
	u, err := url.Parse(value)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return &InvalidError{name: name, want: "an http or https address such as " + example, hidden: true}
	}
	return nil
}

// renameFlags replaces the names in all InvalidErrors of err: a setting that the operator
// gave as a flag gets the name of the flag.
func (s *Set) renameFlags(err error) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, part := range joined.Unwrap() {
			s.renameFlags(part)
		}
		return
	}
	if e, ok := errors.AsType[*InvalidError](err); ok {
		if flag := s.flags.Lookup(flagName(e.name)); flag != nil && flag.Changed {
			e.name = "--" + flag.Name
		}
	}
}
