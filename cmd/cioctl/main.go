// Cioctl is the operator's tool. It shows the state of the pipeline, replays history,
// redrives dead letters, queries the warehouse, and can run the whole pipeline on one
// machine.
package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/cioevents/cioevents/internal/config"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal kills the process
	err := run(ctx, os.Args[1:], os.Getenv, os.Stdin, os.Stdout, os.Stderr)
	os.Exit(config.ExitCode(os.Stderr, "cioctl", err))
}

func run(ctx context.Context, args []string, getenv func(string) string, stdin io.Reader, stdout, stderr io.Writer) error {
	c := &cli{getenv: getenv, in: stdin, out: stdout, err: stderr}
	root := c.root() //nolint:contextcheck // the commands take the context of ExecuteContextC
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	cmd, err := root.ExecuteContextC(ctx)
	if mistake, ok := errors.AsType[*config.UsageError](err); ok {
		mistake.Command = cmd.CommandPath()
	}
	return err
}

// A cli holds the environment and the standard streams, which all commands share.
type cli struct {
	getenv   func(string) string
	in       io.Reader
	out, err io.Writer
}

// root returns the program as a tree of commands.
func (c *cli) root() *cobra.Command {
	root := group("cioctl", "Operate the Customer.io event pipeline",
		`cioctl operates the Customer.io event pipeline. It can also run the whole
pipeline on one machine. Start there:

  cioctl dev                      # in one terminal
  cioctl send --campaign 1000     # in another
  cioctl status

Settings of the pipeline are environment variables, too: --nats-url is NATS_URL.
Times are in UTC. Texts in tables are cut, and control characters are replaced;
--output json has the whole texts.

The exit code is 0 for success, 1 for a failure and 2 for wrong usage.`,
		c.dev(),
		c.console(),
		c.demo(),
		c.send(),
		c.verify(),
		c.webhook(),
		c.names(),
		c.doctor(),
		c.status(),
		c.alerts(),
		c.tail(),
		c.query(),
		c.stream(),
		c.replay(),
		c.consumer(),
		c.dead(),
		c.effects(),
		c.report(),
		c.audit(),
		c.backfill(),
		c.warehouse(),
		c.person(),
		c.completion(),
		c.man(),
	)
	root.SilenceUsage, root.SilenceErrors = true, true
	root.Version = config.Version()
	// Cobra's own flag would add -v, which ingest and worker lack.
	root.Flags().Bool("version", false, "print the version and exit")
	root.SetVersionTemplate("{{.Name}} {{.Version}}\n") // as ingest and worker print it
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return &config.UsageError{Err: config.FlagMistake(cmd.Flags(), err)}
	})
	root.SetHelpCommand(c.help())
	root.CompletionOptions.DisableDefaultCmd = true // completion replaces it
	c.completeFlags(root)
	return root
}
