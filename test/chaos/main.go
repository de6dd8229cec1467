// Chaos is for developers: it injects faults around the product at random, from a
// printed seed, while a simulated Customer.io sends events, and checks afterwards
// that the product has kept every promise. All parts are real processes on this
// machine: three NATS servers, two processes of ingest, three of worker.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/cioevents/cioevents/test/lab"
)

func main() { lab.Main("chaos", run) }

func run(ctx context.Context, args []string) error {
	cfg, err := parse(args)
	if err != nil {
		return err
	}
	return runAll(ctx, cfg)
}

// runOne runs one seed in a folder of its own and prints the report. The folder stays
// when a promise is broken.
func runOne(ctx context.Context, cfg Config) (*Report, error) {
	dir, err := os.MkdirTemp("", "cioevents-chaos-")
	if err != nil {
		return nil, err
	}
	cfg.Dir = dir
	report, err := Run(ctx, cfg)
	if err == nil {
		err = report.broken()
	}
	if err != nil {
		err = fmt.Errorf("%w\nread the logs in %s", err, dir)
	} else {
		defer os.RemoveAll(dir)
	}
	if report == nil {
		return nil, err
	}
	if cfg.JSON {
		return report, errors.Join(json.NewEncoder(os.Stdout).Encode(report), err)
	}
	report.print(os.Stdout)
	return report, err
}

// Config configures a run.
type Config struct {
	// Seed decides which faults happen, and when.
	Seed uint64
	// Runs is how many seeds run in sequence, from Seed on.
	Runs int
	// Duration is how long faults happen. The run ends some ten seconds later, when the
	// backlog is handled.
	Duration time.Duration
	// Rate is how many events a second Customer.io has to send.
	Rate int
	// Limit is how many suppressions bounces may cause in an hour, 0 for no limit.
	Limit int
	// Only contains the names of the faults that may happen. Default: all.
	Only []string
	// Dir contains the files and the logs of all processes.
	Dir string
	// JSON prints the report as JSON instead of a table.
	JSON bool
}

func parse(args []string) (Config, error) {
	var cfg Config
	var output, only string
	set := flag.NewFlagSet("chaos", flag.ContinueOnError)
	set.Uint64Var(&cfg.Seed, "seed", uint64(time.Now().UnixNano())%1000, "number that decides which faults happen, and when; random by default")
	set.IntVar(&cfg.Runs, "runs", 1, "how many seeds run one after another, from --seed on; the numbers of all runs are printed in a table at the end")
	set.DurationVar(&cfg.Duration, "duration", time.Minute, "how long faults happen, at least 10s")
	set.IntVar(&cfg.Rate, "rate", 400, "events a second that Customer.io has to send, at least 1")
	set.IntVar(&cfg.Limit, "limit", 0, "suppressions that bounces may cause in an hour, 0 for no limit; the others are held, and released at the end")
	set.StringVar(&only, "only", "", "names of the faults that may happen, separated by commas; all by default")
	set.StringVar(&output, "output", "table", "format of the report: table or json")
	if err := set.Parse(args); err != nil {
		return cfg, err
	}
	cfg.JSON = output == "json"
	if only != "" {
		cfg.Only = strings.Split(only, ",")
	}
	for _, name := range cfg.Only {
		if !slices.ContainsFunc(faults(), func(f fault) bool { return f.name == name }) {
			return cfg, fmt.Errorf("invalid --only: no fault %q", name)
		}
	}
	if output != "table" && output != "json" {
		return cfg, fmt.Errorf("invalid --output %q: want table or json", output)
	}
	if cfg.Duration < 10*time.Second || cfg.Rate < 1 || cfg.Limit < 0 || cfg.Runs < 1 {
		return cfg, fmt.Errorf("invalid --duration %v, --rate %d, --limit %d or --runs %d: want at least 10s, 1, 0 and 1", cfg.Duration, cfg.Rate, cfg.Limit, cfg.Runs)
	}
	return cfg, nil
}
