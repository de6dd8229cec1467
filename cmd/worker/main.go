// Worker takes events from the stream, updates profiles and fills the
// warehouse.
package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/cioevents/cioevents/internal/app/workerapp"
	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/telemetry"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	err := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr)
	os.Exit(config.ExitCode(os.Stderr, "worker", err))
}

const about = `worker takes Customer.io's events from NATS JetStream, updates profiles through
the Track API and writes rows to the warehouse.

With SUPPRESSION_MODE=suppress, the default, a hard bounce or a spam complaint
DELETES the profile in Customer.io for good.`

func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	var cfg workerapp.Config
	var log config.Log
	set := config.New("worker", getenv)
	cfg.Declare(set)
	log.Declare(set, "json")
	if err := set.Parse(args); err != nil {
		switch {
		case errors.Is(err, config.ErrHelp):
			return set.PrintHelp(stdout, about)
		case errors.Is(err, config.ErrVersion):
			return set.PrintVersion(stdout)
		}
		return err
	}
	logger, err := telemetry.NewLogger(stderr, log.Level, log.Format)
	if err != nil {
		return err
	}
	tuneGC(getenv)
	app, err := workerapp.New(cfg, logger)
	if err != nil {
		return err
	}
	return app.Run(ctx)
}

// tuneGC spends a little memory on a tenth more rows a second: what the worker
// holds is mostly the batches in hand, which Go's default would search through
// often. Go's own variable wins.
func tuneGC(getenv func(string) string) {
	if getenv("GOGC") == "" {
		debug.SetGCPercent(150)
	}
}
