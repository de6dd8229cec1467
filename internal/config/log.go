package config

import "errors"

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
