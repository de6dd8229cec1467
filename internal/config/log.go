package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Log is the settings of the logger.
type Log struct{ Level, Format string }

// Declare adds the settings to the set.
func (l *Log) Declare(s *Set, format string) {
	s.String(&l.Level, "LOG_LEVEL", "info", "trace, debug, info, warn, error or disabled")
	s.String(&l.Format, "LOG_FORMAT", format, "json, or console for people")
	s.Check(func() error {
		return errors.Join(
			OneOf("LOG_LEVEL", l.Level, "trace", "debug", "info", "warn", "error", "disabled"),
			OneOf("LOG_FORMAT", l.Format, "json", "console"))
	})
}

// OneOf reports a setting whose value is none of those allowed.
func OneOf(name, value string, allowed ...string) error {
	if slices.Contains(allowed, value) {
		return nil
	}
	return fmt.Errorf("%s: %q is not one of %s", name, value, strings.Join(allowed, ", "))
}
