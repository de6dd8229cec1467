// Package app is the common ground of the programs ingest and worker: starting,
// the shared settings and the shared parts.
package app

import (
	"cmp"
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/telemetry"
)

// A Run is a whole program with its environment as parameters, for Main and for
// tests. A Run returns when ctx ends.
type Run func(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error

// Main runs the program until SIGINT or SIGTERM and returns the exit code. A
// second signal ends the process at once.
func Main(name string, run Run, getenv func(string) string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return config.ExitCode(os.Stderr, name, run(ctx, os.Args[1:], getenv, os.Stdout, os.Stderr))
}

// A Program is the first part of a Run: settings and logger.
type Program struct {
	Name string
	// About is the text above the settings in the answer to --help.
	About string
	// Declare adds the settings of the program to a set. Configure adds the
	// settings of the logger.
	Declare func(*config.Set)
}

// Configure reads the settings and returns a logger on stderr. The error is
// config.ErrHelp or config.ErrVersion after Configure has answered --help or
// --version on stdout.
func (p Program) Configure(args []string, getenv func(string) string, stdout, stderr io.Writer) (zerolog.Logger, error) {
	var log config.Log
	set := config.New(p.Name, getenv)
	p.Declare(set)
	log.Declare(set, "json")
	err := set.Parse(args)
	switch {
	case errors.Is(err, config.ErrHelp):
		return zerolog.Nop(), cmp.Or(set.PrintHelp(stdout, p.About), err)
	case errors.Is(err, config.ErrVersion):
		return zerolog.Nop(), cmp.Or(set.PrintVersion(stdout), err)
	case err != nil:
		return zerolog.Nop(), err
	}
	return telemetry.NewLogger(stderr, log.Level, log.Format), nil
}
