// Bench measures ingest and worker beside baselines for developers. Product and
// baselines run in the same minutes on the same machine: only the ratios mean
// anything on another machine.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"
)

const usage = `bench measures the product on this machine beside baselines in the same run.

Usage:
  go run ./test/bench [PART]

Parts:
  all         ingest and warehouses, the default; 5 minutes
  ingest      calls a second and latency, beside a receiver without a queue or
              the executable of another ingest, if named
  warehouses  stream to warehouse, beside JetStream alone or the executable of another
              worker: duckdb, parquet, bigquery, or the named ones; see warehouses --help
  replay      a replay of a million events beside the live consumer
  effects     profile updates with an API that accepts 100 requests a second:
              drain, fold, busy, rate, burst, killed, contents, large, or the
              named ones
  outages     BigQuery and the Track API down, workers killed, in real time:
              visible, bigquery, track, kill, or the named ones
  growth      writes, reports and queries while the table grows to 50 million rows,
              and the stream to 20 million messages; see growth --help
  streams     one stream beside two with half of the subjects each, on one NATS
              server and on three
  soak        10 minutes of 5,000 events a second, a burst and an overload;
              see soak --help

Close other programs first: the load and the product share the processors.

Exit codes: 0 measured, 1 an error or a figure out of bounds, 3 not judged: other
programs used more than 5 % of the machine, or the state of the machine changed.
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	if err != nil && ctx.Err() != nil {
		err = errors.New("interrupted") // every part has failed for the reason
	}
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(exitCode(err))
	}
}

// exitCode tells a machine that allows no comparison from anything else. A figure out of
// bounds counts more than another that was not judged.
func exitCode(err error) int {
	if errors.Is(err, errNotJudged) && !errors.Is(err, errBound) {
		return 3
	}
	return 1
}

func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		args = []string{"all"}
	}
	switch args[0] {
	case "-h", "--help", "help":
		fmt.Print(usage)
		return nil
	}
	if ok, err := runRole(ctx, args[0], args[1:]); ok {
		return err
	}
	dir, err := os.MkdirTemp("", "cioevents-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	switch args[0] {
	case "ingest":
		return observed(func(d during) error { return benchIngest(ctx, dir, d, args[1:]) })
	case "warehouses":
		return observed(func(d during) error { return benchWarehouses(ctx, dir, d, args[1:]) })
	case "replay":
		return benchReplay(ctx, dir)
	case "effects":
		return benchEffects(ctx, dir, args[1:])
	case "outages":
		return benchOutages(ctx, dir, args[1:])
	case "growth":
		return benchGrowth(ctx, dir, args[1:])
	case "streams":
		return benchStreams(ctx, dir)
	case "soak":
		return benchSoak(ctx, dir, args[1:])
	case "all":
		return observed(func(d during) error {
			return errors.Join(benchIngest(ctx, dir, d, nil), benchWarehouses(ctx, dir, d, nil))
		})
	}
	return fmt.Errorf("unknown part %q: want one of those in --help", args[0])
}

// observed calls measure while the machine is observed.
func observed(measure func(during) error) error {
	m, err := newMachine()
	if err != nil {
		return err
	}
	defer m.cores.Stop()
	return measure(m.during)
}

func median[T cmp.Ordered](values []T) T {
	return slices.Sorted(slices.Values(values))[len(values)/2]
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// progressf replaces the progress line on a terminal. Elsewhere progressf prints
// nothing.
func progressf(format string, args ...any) {
	if info, err := os.Stderr.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
		fmt.Fprint(os.Stderr, "\r\x1b[K")
		fmt.Fprintf(os.Stderr, format, args...)
	}
}
