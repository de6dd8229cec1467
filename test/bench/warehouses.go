package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/cioevents/cioevents/internal/app/workerapp"
	"github.com/cioevents/cioevents/internal/stream"
)

// benchWarehouses measures the way from the stream into each kind of warehouse,
// or into those that are named.
func benchWarehouses(ctx context.Context, dir string, names []string) error {
	path, err := build(ctx, dir, "worker")
	if err != nil {
		return err
	}
	for _, name := range []string{"duckdb", "parquet", "bigquery"} {
		if len(names) > 0 && !slices.Contains(names, name) {
			continue
		}
		if err := benchWarehouse(ctx, path, filepath.Join(dir, name), name); err != nil {
			return fmt.Errorf("measure %s: %w", name, err)
		}
	}
	return nil
}

// benchWarehouse lets a worker find a full stream, in a server of its own.
func benchWarehouse(ctx context.Context, path, dir, name string) error {
	server, conn, err := startStream(ctx, filepath.Join(dir, "nats"))
	if err != nil {
		return err
	}
	defer server.stop()
	defer conn.Close()
	async, err := fillStream(ctx, server.addr, preload)
	if err != nil {
		return err
	}
	raw, err := drainRaw(ctx, server.addr, preload)
	if err != nil {
		return err
	}
	to, err := newDestination(ctx, name, dir)
	if err != nil {
		return err
	}
	defer to.stop()
	fmt.Printf("\nJetStream alone, published asynchronously     %8.0f events/s\nJetStream alone, fetched and acknowledged     %8.0f events/s\n", async, raw)
	return drain(ctx, conn, server, path, &to)
}

func drain(ctx context.Context, conn *stream.Conn, server *child, path string, to *destination) error {
	filled, start := server.cpu(), time.Now()
	worker, err := startWorker(ctx, path, server.addr, to.url)
	if err != nil {
		return err
	}
	defer worker.stop()
	if err := waitDrained(ctx, conn, workerapp.Warehouse); err != nil {
		return err
	}
	took, rss := time.Since(start), worker.peakRSS()
	costs := []string{cost(worker.cpu(), "the worker"), cost(server.cpu()-filled, "NATS")}
	if to.process != nil {
		costs = append(costs, cost(to.process.cpu(), "the stand-in"))
	}
	worker.stop()
	rows, err := to.rows(ctx)
	if err != nil {
		return err
	}
	fmt.Printf("worker, stream to %-10s %8.0f events/s  (%s rows, start included), RSS %.0f MiB, per event %s\n",
		to.name, preload/took.Seconds(), rows, rss, strings.Join(costs, ", "))
	return nil
}

// cost is a process's time per event.
func cost(cpu time.Duration, of string) string {
	return fmt.Sprintf("%.1f µs of %s", float64(cpu.Microseconds())/preload, of)
}

// waitDrained waits until a consumer has begun and has nothing left to do.
func waitDrained(ctx context.Context, conn *stream.Conn, consumer string) error {
	idle := func(c stream.ConsumerStatus) bool { return c.Name == consumer && c.LastAck != nil && c.Lag == 0 }
	for ctx.Err() == nil {
		s, err := conn.Status(ctx)
		if err == nil && slices.ContainsFunc(s.Consumers, idle) {
			return nil
		}
		if err != nil && !strings.Contains(err.Error(), "timeout") {
			return err
		}
		time.Sleep(20 * time.Millisecond)
	}
	return ctx.Err()
}
