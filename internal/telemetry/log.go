// Package telemetry gives every program its logger, its traces, and its admin listener
// with metrics, health and readiness.
package telemetry

import (
	"io"
	"time"

	"github.com/rs/zerolog"
)

// NewLogger returns a logger with a level of zerolog. The format is "json", or
// "console" for text that people read. config.Log checks both settings.
func NewLogger(w io.Writer, level, format string) zerolog.Logger {
	if format == "console" {
		w = zerolog.ConsoleWriter{Out: w, TimeFormat: time.TimeOnly}
	}
	lvl, _ := zerolog.ParseLevel(level) // checked
	return zerolog.New(w).Level(lvl).With().Timestamp().Logger()
}
