package main

import (
	"context"
	"fmt"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/stream"
)

// settings are flags and environment variables that a command reads before it runs.
type settings interface{ Declare(s *config.Set) }

// declare turns a function into settings.
type declare func(s *config.Set)

// Declare adds the settings to the set.
func (d declare) Declare(s *config.Set) { d(s) }

// check returns settings that consist of a condition on flags. An error of the
// condition is a wrong usage.
func check(condition func() error) settings {
	return declare(func(s *config.Set) { s.Check(condition) })
}

// Texts that command and onStream append to the description of a command.
const (
	exitCodes   = "\n\nThe exit code is 0 for success, 1 for a failure and 2 for wrong usage."
	natsMissing = "\n\nWithout an answer of NATS at NATS_URL within 5 s the command fails and changes nothing."
)

// command completes cmd, which reads the settings of all groups and then calls run.
func (c *cli) command(cmd *cobra.Command, run func(ctx context.Context, args []string) error, groups ...settings) *cobra.Command {
	set := config.On(cmd.Flags(), c.getenv)
	for _, g := range groups {
		g.Declare(set)
	}
	if cmd.Args == nil {
		cmd.Args, cmd.ValidArgsFunction = none, cobra.NoFileCompletions
	}
	cmd.Args = usage(cmd.Args)
	cmd.Long += exitCodes
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := set.Load(); err != nil {
			return err
		}
		return run(cmd.Context(), args)
	}
	return cmd
}

// group returns a command that prints its help and has only subcommands.
func group(use, short, long string, subs ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Long: long, Args: usage(subcommand), RunE: help}
	cmd.AddCommand(subs...)
	return cmd
}

func help(cmd *cobra.Command, _ []string) error { return cmd.Help() }

// usage turns the error of an argument check into a wrong usage, for exit code 2.
func usage(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return &config.UsageError{Err: err}
		}
		return nil
	}
}

// connectWait is how long a command waits for NATS.
const connectWait = 5 * time.Second

// onStream is command for a run that needs a connection to the stream. When NATS
// does not answer within connectWait, the error says what to check.
func (c *cli) onStream(cmd *cobra.Command, run func(ctx context.Context, conn *stream.Conn, args []string) error, groups ...settings) *cobra.Command {
	cfg := stream.Config{Name: "cioctl", Log: zerolog.Nop()}
	connected := func(ctx context.Context, args []string) error {
		conn, err := connect(ctx, &cfg)
		if err != nil {
			return err
		}
		defer conn.Close()
		return run(ctx, conn, args)
	}
	cmd.Long += natsMissing
	return c.command(cmd, connected, append([]settings{&cfg}, groups...)...)
}

// connect returns a connection to NATS that the caller closes.
func connect(ctx context.Context, cfg *stream.Config) (*stream.Conn, error) {
	conn, err := stream.Connect(*cfg)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, connectWait)
	defer cancel()
	if err := conn.WaitConnected(ctx); err != nil {
		conn.Close()
		return nil, fmt.Errorf("NATS does not answer at %s; check that the server is running and that NATS_URL is right (%w)", cfg.Redacted(), err)
	}
	return conn, nil
}
