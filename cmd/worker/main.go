// Worker takes events from the stream, updates profiles and fills the
// warehouse.
package main

import (
	"context"
	"io"
	"os"

	"github.com/cioevents/cioevents/internal/app"
	"github.com/cioevents/cioevents/internal/app/workerapp"
)

func main() { os.Exit(app.Main("worker", run, os.Getenv)) }

const about = `worker takes Customer.io's events from NATS JetStream, updates profiles through
the Track API and writes rows to the warehouse.

With SUPPRESSION_MODE=suppress, the default, a hard bounce or a spam complaint
DELETES the profile in Customer.io for good.`

func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	var cfg workerapp.Config
	program := app.Program{Name: "worker", About: about, Declare: cfg.Declare}
	log, err := program.Configure(args, getenv, stdout, stderr)
	if err != nil {
		return err
	}
	tuneGC(getenv)
	worker, err := workerapp.New(cfg, log)
	if err != nil {
		return err
	}
	return worker.Run(ctx)
}
