// Chaos breaks everything that can break around the product, at random from a
// printed seed, while a simulated Customer.io sends events, and checks afterwards
// that every promise was kept. All parts are real processes on this machine: three
// NATS servers, two of ingest, three of worker.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/cioevents/cioevents/test/lab"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	err := run(ctx, os.Args[1:])
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "chaos:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) > 0 && args[0] == lab.NATSRole {
		return lab.RunNATS(ctx, args[1:])
	}
	cfg, err := parse(args)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "cioevents-chaos-")
	if err != nil {
		return err
	}
	cfg.Dir = dir
	report, err := Run(ctx, cfg)
	if err == nil {
		err = report.broken()
	}
	if err != nil {
		err = fmt.Errorf("%w\nThe logs are in %s", err, dir)
	} else {
		defer os.RemoveAll(dir)
	}
	if report == nil {
		return err
	}
	if cfg.JSON {
		return errors.Join(json.NewEncoder(os.Stdout).Encode(report), err)
	}
	report.print(os.Stdout)
	return err
}

// Config configures a run.
type Config struct {
	// Seed decides what happens, and when.
	Seed uint64
	// Duration is how long things break. The end of it all comes some ten seconds
	// later, when everything has been worked off.
	Duration time.Duration
	// Rate is how many events Customer.io has to send in a second.
	Rate int
	// Dir takes the files of all programs, and their logs.
	Dir string
	// JSON prints the report for programs.
	JSON bool
}

func parse(args []string) (Config, error) {
	var cfg Config
	var output string
	set := flag.NewFlagSet("chaos", flag.ContinueOnError)
	set.Uint64Var(&cfg.Seed, "seed", uint64(time.Now().UnixNano())%1000, "decides what breaks, and when")
	set.DurationVar(&cfg.Duration, "duration", time.Minute, "how long things break")
	set.IntVar(&cfg.Rate, "rate", 400, "events that Customer.io has to send in a second")
	set.StringVar(&output, "output", "table", "table, or json for programs")
	if err := set.Parse(args); err != nil {
		return cfg, err
	}
	cfg.JSON = output == "json"
	if output != "table" && output != "json" {
		return cfg, fmt.Errorf("--output is table or json, not %q", output)
	}
	if cfg.Duration < 10*time.Second || cfg.Rate < 1 {
		return cfg, errors.New("--duration is at least 10s, --rate at least 1")
	}
	return cfg, nil
}
