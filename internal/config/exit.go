package config

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
)

// A UsageError reports that a program was called or configured in a way that
// cannot work. It makes the exit code 2.
type UsageError struct{ Err error }

func (e *UsageError) Error() string { return e.Err.Error() }
func (e *UsageError) Unwrap() error { return e.Err }

// ExitCode says err to the user, every line of it behind the program's name,
// and returns the exit code: 0 done, 1 failed, 2 wrong usage.
func ExitCode(w io.Writer, program string, err error) int {
	if err == nil || errors.Is(err, ErrHelp) || errors.Is(err, ErrVersion) {
		return 0
	}
	text := err.Error()
	if errors.Is(err, context.Canceled) {
		text = "interrupted"
	}
	for line := range strings.SplitSeq(text, "\n") {
		_, _ = fmt.Fprintf(w, "%s: %s\n", program, line) // there is no other place to say it
	}
	if _, ok := errors.AsType[*UsageError](err); ok {
		_, _ = fmt.Fprintf(w, "%s: run with --help to see all settings\n", program)
		return 2
	}
	return 1
}
