// Ingest receives Customer.io's reporting webhooks and answers when they are in
// the stream.
package main

import (
	"context"
	"io"
	"os"
	"runtime/debug"

	"github.com/cioevents/cioevents/internal/app"
	"github.com/cioevents/cioevents/internal/app/ingestapp"
)

func main() { os.Exit(app.Main("ingest", run, os.Getenv)) }

const about = `ingest receives Customer.io's reporting webhooks at POST /webhooks/customerio,
verifies their signature, and answers 200 when the event is stored in NATS
JetStream.`

func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	var cfg ingestapp.Config
	program := app.Program{Name: "ingest", About: about, Declare: cfg.Declare}
	log, err := program.Configure(args, getenv, stdout, stderr)
	if err != nil {
		return err
	}
	tuneGC(getenv)
	ingest, err := ingestapp.New(cfg, log)
	if err != nil {
		return err
	}
	return ingest.Run(ctx)
}

// tuneGC trades memory for time. ingest lives on some 10 MB, which Go's default
// would collect 20 times a second. The memory limit is above the 130 MB that
// some thousand busy connections need: under a lower limit ingest would collect
// all the time and answer after seconds. Go's own variables win.
func tuneGC(getenv func(string) string) {
	if getenv("GOGC") == "" {
		debug.SetGCPercent(300)
	}
	if getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(160 << 20)
	}
}
