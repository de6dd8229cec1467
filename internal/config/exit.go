package config

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/cioevents/cioevents/internal/terminal"
)

// A UsageError reports wrong arguments or settings. The exit code is 2.
type UsageError struct {
	Err error
	// Command is the command whose --help explains the mistake. Default: the program.
	Command string
}

func (e *UsageError) Error() string { return e.Err.Error() }
func (e *UsageError) Unwrap() error { return e.Err }

// A StatusError is a result for which a program has an exit code of its own.
type StatusError struct {
	Err  error
	Code int
}

func (e *StatusError) Error() string { return e.Err.Error() }
func (e *StatusError) Unwrap() error { return e.Err }

// ExitCode prints err for the user, each line after the program's name and without
// control characters, and returns the exit code: 0 for success, 1 for a failure, 2 for
// wrong usage, or the code of a StatusError.
func ExitCode(w io.Writer, program string, err error) int {
	if err == nil || errors.Is(err, ErrHelp) || errors.Is(err, ErrVersion) {
		return 0
	}
	text := err.Error()
	if errors.Is(err, context.Canceled) {
		text = "interrupted"
	}
	for line := range strings.SplitSeq(text, "\n") {
		_, _ = fmt.Fprintf(w, "%s: %s\n", program, terminal.Line(line)) // a failed write has no other place to be reported
	}
	if status, ok := errors.AsType[*StatusError](err); ok {
		return status.Code
	}
	usage, ok := errors.AsType[*UsageError](err)
	if !ok {
		return 1
	}
	hint := "run with --help to see all settings"
	if usage.Command != "" {
		hint = fmt.Sprintf("run %q to see flags and examples", usage.Command+" --help")
	}
	_, _ = fmt.Fprintf(w, "%s: %s\n", program, hint)
	return 2
}
