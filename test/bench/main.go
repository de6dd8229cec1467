// Bench measures ingest and worker beside baselines for developers. Product and
// baselines run in the same minutes on the same machine: only the ratios mean
// anything on another machine.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
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
  go run ./test/bench PART --help

Parts:
  all         ingest and warehouses, the default; 5 minutes
  ingest      calls a second and latency, beside a receiver without a queue or
              the executable of another ingest, if named
  warehouses  stream to warehouse, beside JetStream alone or the executable of another
              worker: duckdb, parquet, bigquery, or the named ones
  replay      a replay of a million events beside the live consumer
  effects     profile updates with an API that accepts 100 requests a second:
              drain, fold, busy, rate, burst, killed, contents, large, or the
              named ones
  outages     BigQuery and the Track API down, workers killed, in real time:
              visible, bigquery, track, kill, or the named ones
  growth      writes, reports and queries while the table grows to 50 million rows,
              and the stream to 20 million messages
  streams     one stream beside two with half of the subjects each, on one NATS
              server and on three
  soak        10 minutes of 5,000 events a second, a burst and an overload

Close other programs first: the load and the product share the processors. Needs Linux.

Exit codes: 0 measured, 1 an error or a figure out of bounds, 2 wrong usage, 3 not
judged: other programs used more than 5 % of the machine, or the state of the machine changed. The
figures are printed all the same. For effects and soak any state will do, and outages
proves promises, on a busy machine too.
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
// bounds or another error counts more than a figure that was not judged.
func exitCode(err error) int {
	switch {
	case errors.Is(err, errUsage):
		return 2
	case onlyNotJudged(err):
		return 3
	}
	return 1
}

// onlyNotJudged reports whether each of the joined errors is errNotJudged.
func onlyNotJudged(err error) bool {
	if joined, ok := err.(interface{ Unwrap() []error }); ok { // errors.As would find one of them
		return !slices.ContainsFunc(joined.Unwrap(), func(err error) bool { return !onlyNotJudged(err) })
	}
	inner := errors.Unwrap(err)
	return err == errNotJudged || inner != nil && onlyNotJudged(inner) //nolint:errorlint // exactly this error, of each leaf
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
	m, err := parsePart(os.Stdout, args[0], args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return nil
	} else if err != nil {
		return err
	}
	fmt.Fprint(os.Stderr, leftOver(os.TempDir()))
	f, err := newFolder(os.TempDir())
	if err != nil {
		return err
	}
	defer f.remove()
	return observed(func(d during) error { return m(ctx, f.path, d) })
}

const allUsage = `all compares ingest and the worker with their baselines: the parts ingest and warehouses,
in 5 minutes.

Usage:
  go run ./test/bench all
`

func prepareAll(*flag.FlagSet) func([]string) (measure, error) {
	return func(args []string) (measure, error) {
		return benchAll, noArguments(args)
	}
}

func benchAll(ctx context.Context, dir string, observe during) error {
	return errors.Join(benchIngest(ctx, dir, observe, ""), newDrainage().bench(ctx, dir, observe, warehouseKinds))
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
