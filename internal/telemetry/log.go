// Package telemetry gives every program its logger, its traces, and its admin listener
// with metrics, health and readiness.
package telemetry

import (
	"io"
	"time"

	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/terminal"
)

// NewLogger returns a logger with a level of zerolog. The format is "json", or
// "console" for text that people read, in UTC. config.Log checks both settings. An error
// in a line may quote a stranger: no control character stays, because people also read
// the logs of a file or a pod in a terminal. Only a terminal gets colours; zerolog obeys
// NO_COLOR (https://no-color.org).
func NewLogger(w io.Writer, level, format string) zerolog.Logger {
	out := terminal.JSON(w)
	if format == "console" {
		out = zerolog.ConsoleWriter{
			Out: w, NoColor: !terminal.Is(w), FormatPrepare: cleanLine,
			TimeFormat: time.TimeOnly + "Z", TimeLocation: time.UTC,
		}
	}
	lvl, _ := zerolog.ParseLevel(level) // checked
	return zerolog.New(out).Level(lvl).With().Timestamp().Logger()
}

// cleanLine replaces the control characters in all values of a line.
func cleanLine(line map[string]any) error {
	for name, value := range line {
		line[name] = cleanValue(value)
	}
	return nil
}

func cleanValue(value any) any {
	switch v := value.(type) {
	case string:
		return terminal.Line(v)
	case []any:
		for i := range v {
			v[i] = cleanValue(v[i])
		}
	case map[string]any:
		_ = cleanLine(v) // is nil
	}
	return value
}
