package main

import (
	"context"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/dev"
	"github.com/cioevents/cioevents/internal/telemetry"
)

func (c *cli) dev() *cobra.Command {
	var cfg dev.Config
	var log config.Log
	cmd := &cobra.Command{
		Use:   "dev",
		Short: "Run the whole pipeline on this machine: NATS, ingest, worker, a fake Track API and DuckDB",
		Long: `dev runs the whole pipeline in one process and keeps its data under --data. The
next start continues with that data. By default it listens on 127.0.0.1 only.

Effects go to a fake Track API until you set CUSTOMERIO_SITE_ID and
CUSTOMERIO_TRACK_API_KEY. With a real account, a hard bounce or a spam complaint
DELETES the profile for good, unless SUPPRESSION_MODE says otherwise.

dev does not start when another program listens at an address, or another cioctl dev
uses the folder: the error names the setting. Log lines go to standard error, in colour
on a terminal only (NO_COLOR switches colours off), and a line a second with activity
goes to standard output. Ctrl-C stops dev with exit code 0.`,
		Example: `  cioctl dev
  cioctl dev --data /tmp/try --ingest-addr 127.0.0.1:8090
  SUPPRESSION_MODE=off EFFECTS_DRY_RUN=true cioctl dev 2> dev.log`,
	}
	console := declare(func(s *config.Set) { log.Declare(s, "console") })
	return c.command(cmd, func(ctx context.Context, _ []string) error {
		stack, err := dev.New(cfg, telemetry.NewLogger(c.err, log.Level, log.Format))
		if err != nil {
			return err
		}
		stack.PrintWelcome(c.out, program())
		return stack.RunShowing(ctx, c.out)
	}, &cfg, console)
}

// program returns the command line that starts this program. Under "go run",
// os.Args[0] is a temporary file.
func program() string {
	if strings.Contains(os.Args[0], "go-build") {
		return "go run ./cmd/cioctl"
	}
	return os.Args[0]
}
