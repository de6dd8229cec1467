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
programs used more than 5 % of the machine, or the state of the machine changed. The
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
	if onlyNotJudged(err) {
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
	part, ok := parts[args[0]]
	if !ok {
		return fmt.Errorf("unknown part %q: want one of those in --help", args[0])
	}
	dir, err := os.MkdirTemp("", "cioevents-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	return observed(func(d during) error { return part(ctx, dir, d, args[1:]) })
}

// parts are the parts by name. A part has its files in dir, and runs each measurement while
// the machine is observed.
var parts = map[string]func(ctx context.Context, dir string, observe during, args []string) error{
	"all":        benchAll,
	"ingest":     benchIngest,
	"warehouses": benchWarehouses,
	"replay":     benchReplay,
	"effects":    benchEffects,
	"outages":    benchOutages,
	"growth":     benchGrowth,
	"streams":    benchStreams,
	"soak":       benchSoak,
}

func benchAll(ctx context.Context, dir string, observe during, _ []string) error {
	return errors.Join(benchIngest(ctx, dir, observe, nil), benchWarehouses(ctx, dir, observe, nil))
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
