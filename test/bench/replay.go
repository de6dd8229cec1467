package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/cioevents/cioevents/internal/app/workerapp"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/warehouse"
)

// replayed is how many events are replayed: as many as show whether memory
// grows with their number.
const replayed = 1_000_000

// benchReplay measures a replay into an empty DuckDB warehouse beside the live
// way of the same events into another.
func benchReplay(ctx context.Context, dir string) error {
	path, err := build(ctx, dir, "worker")
	if err != nil {
		return err
	}
	server, conn, err := startStream(ctx, filepath.Join(dir, "nats-replay"))
	if err != nil {
		return err
	}
	defer server.stop()
	defer conn.Close()
	if _, err := fillStream(ctx, server.addr, replayed); err != nil {
		return err
	}
	run := func(name, db string, wait func() error) error {
		begin := time.Now()
		worker, err := startWorker(ctx, path, server.addr, "duckdb:"+db)
		if err != nil {
			return err
		}
		defer worker.stop()
		if err := wait(); err != nil {
			return err
		}
		took, rss := time.Since(begin), worker.peakRSS()
		worker.stop()
		rows, err := count(ctx, db, warehouse.Events)
		if err != nil {
			return err
		}
		fmt.Printf("%-24s %8.0f events/s  (%s rows, start included), RSS %.0f MiB\n", name, replayed/took.Seconds(), rows, rss)
		return os.Remove(db)
	}
	if err := run("live, stream to DuckDB", filepath.Join(dir, "live.duckdb"), func() error { return waitDrained(ctx, conn, workerapp.Warehouse) }); err != nil {
		return err
	}
	r, err := conn.StartReplay(ctx, stream.ReplayRequest{Target: workerapp.Warehouse})
	if err != nil {
		return err
	}
	return run("replay into DuckDB", filepath.Join(dir, "replay.duckdb"), func() error { return waitReplayed(ctx, conn, r.ID) })
}

// waitReplayed waits until the last event of a replay is settled. It does not count
// what is left, which would cost the server time.
func waitReplayed(ctx context.Context, conn *stream.Conn, id string) error {
	for ctx.Err() == nil {
		list, err := conn.Replays(ctx)
		if err == nil && !slices.ContainsFunc(list, func(r stream.Replay) bool { return r.ID == id && !r.Done }) {
			return nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	return ctx.Err()
}
