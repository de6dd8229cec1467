// Upgrade is for developers: it upgrades a running system from the first released
// commit to this version and checks that nothing is lost, doubled or suppressed twice.
// The old programs are built from git. Old programs write the stream, DuckDB, Parquet
// and BigQuery alone; then old and new programs run side by side under load; then the
// new programs run alone, and replay the whole stream to each warehouse.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/cioevents/cioevents/test/lab"
)

func main() { lab.Main("upgrade", run) }

func run(ctx context.Context, args []string) error {
	cfg, err := parse(args)
	if err != nil {
		return err
	}
	if cfg.Dir, err = os.MkdirTemp("", "cioevents-upgrade-"); err != nil {
		return err
	}
	r, err := Run(ctx, cfg)
	if r != nil {
		r.print(os.Stdout)
	}
	if err == nil {
		err = r.broken()
	}
	if err != nil && r != nil {
		return fmt.Errorf("%w\nread the logs in %s", err, cfg.Dir)
	}
	return errors.Join(err, os.RemoveAll(cfg.Dir))
}

// Config configures a run.
type Config struct {
	// Commit is the old version.
	Commit string
	// Duration is how long old and new programs run side by side. Before, the old
	// programs run alone for a third of the time; afterwards the new programs run alone
	// for a sixth.
	Duration time.Duration
	// Rate is how many calls a second Customer.io sends, about.
	Rate int
	// Seed decides which events are sent, and to which version.
	Seed uint64
	// Dir contains the programs, the files and the logs of all processes.
	Dir string
}

func parse(args []string) (Config, error) {
	cfg := Config{Commit: released}
	set := flag.NewFlagSet("upgrade", flag.ContinueOnError)
	set.Uint64Var(&cfg.Seed, "seed", 1, "number that decides which events are sent, and to which version")
	set.DurationVar(&cfg.Duration, "duration", time.Minute, "how long old and new programs run side by side, at least 5s")
	set.IntVar(&cfg.Rate, "rate", 100, "calls a second, at least 10")
	if err := set.Parse(args); err != nil {
		return cfg, err
	}
	if cfg.Duration < 5*time.Second || cfg.Rate < 10 {
		return cfg, fmt.Errorf("invalid --duration %v or --rate %d: want at least 5s and 10", cfg.Duration, cfg.Rate)
	}
	return cfg, nil
}
