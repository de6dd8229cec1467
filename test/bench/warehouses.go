package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/cioevents/cioevents/internal/app/workerapp"
	"github.com/cioevents/cioevents/test/lab"
)

// benchWarehouses measures the worker from the stream into each kind of warehouse.
// Without names every kind is measured.
func benchWarehouses(ctx context.Context, dir string, names []string) error {
	if err := lab.Build(ctx, dir, "worker"); err != nil {
		return err
	}
	for _, name := range []string{"duckdb", "parquet", "bigquery"} {
		if len(names) > 0 && !slices.Contains(names, name) {
			continue
		}
		if err := benchWarehouse(ctx, dir, filepath.Join(dir, name), name); err != nil {
			return fmt.Errorf("measure %s: %w", name, err)
		}
	}
	return nil
}

// benchWarehouse starts a worker on a full stream, in a NATS server of its own.
func benchWarehouse(ctx context.Context, bin, dir, name string) error {
	system, err := lab.StartSystem(ctx, bin, filepath.Join(dir, "nats"))
	if err != nil {
		return err
	}
	defer system.Close()
	async, err := fillStream(ctx, system.Client, preload)
	if err != nil {
		return err
	}
	raw, err := drainRaw(ctx, system.Client, preload)
	if err != nil {
		return err
	}
	to, err := newDestination(ctx, name, dir)
	if err != nil {
		return err
	}
	defer to.stop()
	fmt.Printf("\nJetStream alone, published asynchronously     %8.0f events/s\nJetStream alone, fetched and acknowledged     %8.0f events/s\n", async, raw)
	return drain(ctx, system, &to)
}

func drain(ctx context.Context, system *lab.System, to *destination) error {
	filled, start := system.NATS.CPU(), time.Now()
	worker := warehouseWorker(system, to.url)
	defer worker.Stop()
	if err := worker.Start(); err != nil {
		return err
	}
	if err := system.WaitHandled(ctx, handledWithin, workerapp.Warehouse); err != nil {
		return err
	}
	took, rss := time.Since(start), worker.PeakRSS()
	costs := []string{cost(worker.CPU(), "the worker"), cost(system.NATS.CPU()-filled, "NATS")}
	if to.process != nil {
		costs = append(costs, cost(to.process.CPU(), "the stand-in"))
	}
	worker.Stop()
	rows, err := to.rows(ctx)
	if err != nil {
		return err
	}
	fmt.Printf("worker, stream to %-10s %8.0f events/s  (%s rows, start included), RSS %.0f MiB, per event %s\n",
		to.name, preload/took.Seconds(), rows, rss, strings.Join(costs, ", "))
	return nil
}

// cost describes the processor time per event.
func cost(cpu time.Duration, of string) string {
	return fmt.Sprintf("%.1f µs of %s", float64(cpu.Microseconds())/preload, of)
}
