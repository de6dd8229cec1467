package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"

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
	server, err := startSelf(ctx, "nats", filepath.Join(dir, "nats"))
	if err != nil {
		return err
	}
	defer server.stop()
	conn, err := stream.Connect(stream.Config{URL: server.addr, Log: zerolog.Nop()})
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.Ensure(ctx, stream.Settings{}); err != nil {
		return err
	}
	async, err := fillStream(ctx, server.addr, preload)
	if err != nil {
		return err
	}
	to, err := newDestination(ctx, name, dir)
	if err != nil {
		return err
	}
	defer to.stop()
	fmt.Printf("\nraw JetStream, asynchronous  %8.0f events/s\n", async)
	return drain(ctx, conn, server, path, &to)
}

func drain(ctx context.Context, conn *stream.Conn, server *child, path string, to *destination) error {
	filled, start := server.cpu(), time.Now()
	worker, err := startProgram(ctx, path, "NATS_URL="+server.addr, "ADMIN_ADDR=127.0.0.1:0", "WORKER_CONSUMERS=warehouse",
		"WAREHOUSE_URL="+to.url, "LOG_LEVEL=warn")
	if err != nil {
		return err
	}
	defer worker.stop()
	if err := waitDrained(ctx, conn); err != nil {
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

func waitDrained(ctx context.Context, conn *stream.Conn) error {
	for ctx.Err() == nil {
		s, err := conn.Status(ctx)
		if err == nil && len(s.Consumers) == 1 && s.Consumers[0].LastAck != nil && s.Consumers[0].Lag == 0 {
			return nil
		}
		if err != nil && !strings.Contains(err.Error(), "timeout") {
			return err
		}
		time.Sleep(20 * time.Millisecond)
	}
	return ctx.Err()
}
