package config

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
)

// A UsageError reports wrong arguments or settings. The exit code is 2.
type UsageError struct{ Err error }

func (e *UsageError) Error() string { return e.Err.Error() }
func (e *UsageError) Unwrap() error { return e.Err }

// ExitCode prints err for the user, each line after the program's name, and returns
// the exit code: 0 for success, 1 for a failure, 2 for wrong usage.
func ExitCode(w io.Writer, program string, err error) int {
	if err == nil || errors.Is(err, ErrHelp) || errors.Is(err, ErrVersion) {
		return 0
	}
	text := err.Error()
	if errors.Is(err, context.Canceled) {
		text = "interrupted"
	}
	for line := range strings.SplitSeq(text, "\n") {
		_, _ = fmt.Fprintf(w, "%s: %s\n", program, line) // a failed write has no other place to be reported
	}
	if _, ok := errors.AsType[*UsageError](err); ok {
		_, _ = fmt.Fprintf(w, "%s: run with --help to see all settings\n", program)
		return 2
	}
	return 1
}
