// Ingest receives Customer.io's reporting webhooks and answers when they are in
// the stream.
package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/cioevents/cioevents/internal/app/ingestapp"
	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/telemetry"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	err := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr)
	os.Exit(config.ExitCode(os.Stderr, "ingest", err))
}

const about = `ingest receives Customer.io's reporting webhooks at POST /webhooks/customerio,
verifies their signature, and answers 200 when the event is stored in NATS
JetStream.`

func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	var cfg ingestapp.Config
	var log config.Log
	set := config.New("ingest", getenv)
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
	app, err := ingestapp.New(cfg, logger)
	if err != nil {
		return err
	}
	return app.Run(ctx)
}

// tuneGC trades memory that a small heap does not need for time: ingest lives
// on some 10 MB, and with the default it would collect them 20 times a second.
// The limit is above what some thousand busy connections need, 130 MB: one that
// presses makes ingest collect all the time and answer after seconds. Go's own
// variables win.
func tuneGC(getenv func(string) string) {
	if getenv("GOGC") == "" {
		debug.SetGCPercent(300)
	}
	if getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(160 << 20)
	}
}
