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
		Short: "Run everything on this machine: NATS, ingest, worker, a Track API to practise on, DuckDB",
		Long: `dev runs the whole pipeline in one process, and keeps its data under --data.

It listens on 127.0.0.1 only. Effects go to a fake Track API unless
CUSTOMERIO_SITE_ID and CUSTOMERIO_TRACK_API_KEY are set. With a real account, a
hard bounce or a spam complaint DELETES the profile for good, unless
SUPPRESSION_MODE says otherwise.`,
	}
	console := declare(func(s *config.Set) { log.Declare(s, "console") })
	return c.command(cmd, func(ctx context.Context, _ []string) error {
		logger, err := telemetry.NewLogger(c.err, log.Level, log.Format)
		if err != nil {
			return err
		}
		stack, err := dev.New(cfg, logger)
		if err != nil {
			return err
		}
		stack.PrintWelcome(c.out, program())
		return stack.RunShowing(ctx, c.out)
	}, &cfg, console)
}

// program is how this program is called: go run makes its own name for it.
func program() string {
	if strings.Contains(os.Args[0], "go-build") {
		return "go run ./cmd/cioctl"
	}
	return os.Args[0]
}
