// Bench measures ingest and worker beside baselines for developers. Product and
// baselines run in the same minutes on the same machine: only the ratios mean
// anything on another machine.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/cioevents/cioevents/test/lab"
)

// connections is how many connections send their next call after each answer.
const connections = 256

const usage = `bench measures the product on this machine beside baselines in the same run.

Usage:
  go run ./test/bench [PART]

Parts:
  all         ingest and warehouses, the default; 3 minutes
  ingest      calls a second and latency, beside a receiver without a queue
  warehouses  stream to warehouse: duckdb, parquet, bigquery, or the named ones
  replay      a replay of a million events beside the live consumer
  effects     profile updates with an API that accepts 100 requests a second:
              drain, fold, busy, rate, or the named ones
  outages     BigQuery and the Track API down, workers killed, in real time:
              visible, bigquery, track, kill, or the named ones
  soak        10 minutes of 5,000 events a second, a burst and an overload;
              see soak --help

Close other programs first: the load and the product share the processors.
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
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
		return benchIngest(ctx, dir)
	case "warehouses":
		return benchWarehouses(ctx, dir, args[1:])
	case "replay":
		return benchReplay(ctx, dir)
	case "effects":
		return benchEffects(ctx, dir, args[1:])
	case "outages":
		return benchOutages(ctx, dir, args[1:])
	case "soak":
		return benchSoak(ctx, dir, args[1:])
	case "all":
		return errors.Join(benchIngest(ctx, dir), benchWarehouses(ctx, dir, nil))
	}
	return fmt.Errorf("unknown part %q: want one of those in --help", args[0])
}

// benchIngest measures the receiver beside a receiver without a queue.
func benchIngest(ctx context.Context, dir string) error {
	if err := lab.Build(ctx, dir, "ingest"); err != nil {
		return err
	}
	system, err := lab.StartSystem(ctx, dir, filepath.Join(dir, "nats"))
	if err != nil {
		return err
	}
	defer system.Close()
	base, err := startRole(ctx, nil, baselineRole, lab.FreeAddr())
	if err != nil {
		return err
	}
	defer base.Stop()
	ingest := system.Ingest()
	defer ingest.Stop()
	if err := ingest.StartReady(ctx); err != nil {
		return err
	}
	err = errors.Join(
		compare(ctx, "256 connections, each sends after the answer", base.Addr, ingest.Addr,
			load{connections: connections, warmup: time.Second, duration: 4 * time.Second}),
		compare(ctx, "2,000 calls a second", base.Addr, ingest.Addr,
			load{connections: 64, rate: 2000, warmup: time.Second, duration: 4 * time.Second}))
	fmt.Printf("\npeak RSS of ingest: %.0f MiB\n\n", ingest.PeakRSS())
	return err
}

// rounds is how often a comparison alternates between the receivers. The median of
// each receiver counts, because the tail of a single run is chance.
const rounds = 5

// compare sends the same load to both receivers in turn.
func compare(ctx context.Context, name, baseline, ingest string, l load) error {
	sides := [2]struct {
		addr      string
		perSecond []float64
		p50, p99  []time.Duration
	}{{addr: baseline}, {addr: ingest}}
	for range rounds {
		for i := range sides {
			l.addr = sides[i].addr
			r, err := l.run(ctx)
			if err != nil {
				return err
			}
			if r.statuses[http.StatusOK] == 0 || len(r.statuses) > 1 {
				return fmt.Errorf("answers by status are %v, want 200 only", r.statuses)
			}
			sides[i].perSecond = append(sides[i].perSecond, r.perSecond)
			sides[i].p50, sides[i].p99 = append(sides[i].p50, r.p50), append(sides[i].p99, r.p99)
		}
	}
	fmt.Printf("\n%s\n", name)
	for i, who := range []string{"Echo without a queue", "ingest"} {
		fmt.Printf("  %-22s %8.0f calls/s  p50 %6.2f ms  p99 %6.2f ms\n", who, median(sides[i].perSecond),
			milliseconds(median(sides[i].p50)), milliseconds(median(sides[i].p99)))
	}
	fmt.Printf("  %-22s %8.1f %%                         p99 %.2f times\n", "ratio", 100*median(sides[1].perSecond)/median(sides[0].perSecond),
		float64(median(sides[1].p99))/float64(median(sides[0].p99)))
	return nil
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
