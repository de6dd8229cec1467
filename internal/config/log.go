package config

// Log is the settings of the logger.
type Log struct{ Level, Format string }

// Declare adds the settings to the set. The default of LOG_FORMAT is format.
func (l *Log) Declare(s *Set, format string) {
	s.Choice(&l.Level, "LOG_LEVEL", "info", "least level of the lines that are logged: trace, debug, info, warn, error or disabled",
		"trace", "debug", "info", "warn", "error", "disabled")
	s.Choice(&l.Format, "LOG_FORMAT", format, "format of log lines: json, or console for people", "json", "console")
}
