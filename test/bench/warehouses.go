package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/cioevents/cioevents/internal/app/workerapp"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/test/lab"
)

const warehousesUsage = `warehouses compares the worker, from a stream into a warehouse, with JetStream alone:
the same messages fetched and acknowledged, and nothing else. Each run of a worker
has an empty warehouse and a new consumer. The starts of the programs count.

Usage:
  go run ./test/bench warehouses [flags] [duckdb] [parquet] [bigquery]

Flags:
`

// aims are the wanted events a second on the machine of docs/operations.md. The rates depend
// on the state of the machine.
var aims = map[string]float64{"duckdb": 75_000, "parquet": 120_000}

// warehouseKinds are the kinds of warehouses in the order of their measurement.
var warehouseKinds = []string{"duckdb", "parquet", "bigquery"}

// A drainage is a full stream that programs drain in turn.
type drainage struct {
	*lab.System
	dir           string
	events, pairs int
	against       string // the executable of another worker
	unjudged      bool
}

func newDrainage() *drainage { return &drainage{events: 300_000, pairs: 3} }

func prepareWarehouses(flags *flag.FlagSet) func([]string) (measure, error) {
	d := newDrainage()
	flags.IntVar(&d.events, "events", d.events, "events in the stream")
	flags.IntVar(&d.pairs, "pairs", d.pairs, "pairs of runs")
	flags.StringVar(&d.against, "against", "", "compare with this executable of a worker instead of JetStream alone")
	flags.BoolVar(&d.unjudged, "unjudged", false, "print each pair, also if other programs use the machine; ends with exit code 3")
	return func(kinds []string) (measure, error) {
		err := errors.Join(atLeastOne("events", d.events), atLeastOne("pairs", d.pairs), known(kinds, warehouseKinds))
		if d.against != "" {
			err = errors.Join(err, executable(d.against))
		}
		if len(kinds) == 0 {
			kinds = warehouseKinds
		}
		return func(ctx context.Context, dir string, observe during) error {
			return d.bench(ctx, dir, observe, kinds)
		}, err
	}
}

// bench fills the stream, and measures the worker from the stream into each kind of
// warehouse.
func (d *drainage) bench(ctx context.Context, dir string, observe during, kinds []string) error {
	d.dir = dir
	if err := lab.Build(ctx, d.dir, "worker"); err != nil {
		return err
	}
	system, err := startSystem(ctx, d.dir, filepath.Join(d.dir, "drained"))
	if err != nil {
		return err
	}
	defer system.Close()
	d.System = system
	progressf("filling the stream")
	if _, err := runSelf(ctx, nil, fillRole, system.NATS.Addr, strconv.Itoa(d.events)); err != nil {
		return err
	}
	var errs error
	for _, kind := range kinds {
		errs = errors.Join(errs, d.comparison(kind).run(ctx, observe))
	}
	return errs
}

func (d *drainage) comparison(kind string) *comparison {
	c := &comparison{
		name:    fmt.Sprintf("stream to %s, %d events", kind, d.events),
		sides:   [2]side{{"JetStream alone", d.raw}, {"worker", d.worker(filepath.Join(d.dir, "worker"), kind)}},
		figures: []string{"events/s", "CPU µs/event", "NATS µs/event", "RSS MiB"},
		pairs:   d.pairs, unjudged: d.unjudged,
	}
	if aim := aims[kind]; aim > 0 {
		c.goals = []goal{{least: aim}}
	}
	if d.against != "" {
		c.sides[0], c.goals = side{filepath.Base(d.against), d.worker(d.against, kind)}, nil
	}
	return c
}

// raw fetches and acknowledges every message in a process of its own.
func (d *drainage) raw(ctx context.Context) ([]float64, error) {
	nats := d.NATS.CPU()
	used, err := runSelf(ctx, nil, drainRole, d.NATS.Addr, strconv.Itoa(d.events))
	return d.figures(used, d.NATS.CPU()-nats), err
}

// worker returns a run of the worker into an empty warehouse.
func (d *drainage) worker(path, kind string) func(context.Context) ([]float64, error) {
	return func(ctx context.Context) (figures []float64, err error) {
		dir, err := os.MkdirTemp(d.dir, kind)
		if err != nil {
			return nil, err
		}
		defer os.RemoveAll(dir)
		to, err := newDestination(ctx, kind, dir)
		if err != nil {
			return nil, err
		}
		defer to.stop()
		worker := warehouseWorker(d.System, to.url)
		worker.Path = path
		defer worker.Stop()
		if figures, err = d.drain(ctx, worker); err != nil {
			return nil, err
		}
		rows, err := to.rows(ctx)
		if err == nil && rows != strconv.Itoa(d.events) {
			err = fmt.Errorf("the warehouse has %s rows, want %d", rows, d.events)
		}
		return figures, err
	}
}

// drain starts a worker, waits until the stream is drained, and deletes the consumer:
// the next worker begins with the oldest message again.
func (d *drainage) drain(ctx context.Context, worker *lab.Process) ([]float64, error) {
	nats, start := d.NATS.CPU(), time.Now()
	if err := worker.Start(); err != nil {
		return nil, err
	}
	if err := d.WaitHandled(ctx, handledWithin, workerapp.Warehouse); err != nil {
		return nil, err
	}
	used := spent{wall: time.Since(start), cpu: worker.CPU(), rss: worker.PeakRSS()}
	figures := d.figures(used, d.NATS.CPU()-nats)
	worker.Stop()
	return figures, d.JetStream.DeleteConsumer(ctx, stream.Name, workerapp.Warehouse)
}

// figures returns the figures of the comparison.
func (d *drainage) figures(used spent, nats time.Duration) []float64 {
	n := float64(d.events)
	return []float64{n / used.wall.Seconds(), float64(used.cpu.Microseconds()) / n, float64(nats.Microseconds()) / n, used.rss}
}
