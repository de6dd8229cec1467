package config

import "errors"

// Log is the settings of the logger.
type Log struct{ Level, Format string }

// Declare adds the settings to the set. The default of LOG_FORMAT is format.
func (l *Log) Declare(s *Set, format string) {
	s.String(&l.Level, "LOG_LEVEL", "info", "least level of the lines that are logged: trace, debug, info, warn, error or disabled")
	s.String(&l.Format, "LOG_FORMAT", format, "format of log lines: json, or console for people")
	s.Check(func() error {
		return errors.Join(
			OneOf("LOG_LEVEL", l.Level, "trace", "debug", "info", "warn", "error", "disabled"),
			OneOf("LOG_FORMAT", l.Format, "json", "console"))
	})
}
