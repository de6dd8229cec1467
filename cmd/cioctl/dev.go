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
DELETES the profile for good, unless SUPPRESSION_MODE says otherwise.`,
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
