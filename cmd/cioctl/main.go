// Cioctl is the operator's tool, and runs the whole pipeline on one machine.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/cioevents/cioevents/internal/config"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	err := run(ctx, os.Args[1:], os.Getenv, os.Stdin, os.Stdout, os.Stderr)
	os.Exit(config.ExitCode(os.Stderr, "cioctl", err))
}

func run(ctx context.Context, args []string, getenv func(string) string, stdin io.Reader, stdout, stderr io.Writer) error {
	c := &cli{getenv: getenv, in: stdin, out: stdout, err: stderr}
	root := &cobra.Command{
		Use:           "cioctl",
		Short:         "Operate the Customer.io event pipeline",
		Long:          "cioctl operates the Customer.io event pipeline, and runs all of it on one machine:\nbegin with \"cioctl dev\".\n\nEvery flag is an environment variable, too: --nats-url is NATS_URL.",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          usage(cobra.NoArgs),
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &config.UsageError{Err: config.FlagMistake(err)} })
	root.CompletionOptions.HiddenDefaultCmd = true
	//nolint:contextcheck // the commands take the context of ExecuteContext
	root.AddCommand(c.dev(), c.demo(), c.send(), c.verify(), c.status(), c.tail(), c.query(), c.stream(),
		c.replay(), c.dead(), c.effects(), c.report(), c.warehouse())
	return root.ExecuteContext(ctx)
}

// A cli is what the commands share.
type cli struct {
	getenv   func(string) string
	in       io.Reader
	out, err io.Writer
}

// usage makes wrong arguments a wrong usage.
func usage(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return &config.UsageError{Err: err}
		}
		return nil
	}
}

// command returns a command whose settings are read before it runs.
func (c *cli) command(cmd *cobra.Command, declare func(*config.Set), run func(ctx context.Context, args []string) error) *cobra.Command {
	set := config.On(cmd.Flags(), c.getenv)
	declare(set)
	if cmd.Args == nil {
		cmd.Args = cobra.NoArgs
	}
	cmd.Args = usage(cmd.Args)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := set.Load(); err != nil {
			return err
		}
		return run(cmd.Context(), args)
	}
	return cmd
}
