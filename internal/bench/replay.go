package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/warehouse/duckdb"
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
	server, err := startSelf(ctx, "nats", filepath.Join(dir, "nats-replay"))
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
	if _, err := fillStream(ctx, server.addr, replayed); err != nil {
		return err
	}
	start := func(db string) (*child, error) {
		return startProgram(ctx, path, "NATS_URL="+server.addr, "ADMIN_ADDR=127.0.0.1:0", "WORKER_CONSUMERS=warehouse",
			"WAREHOUSE_URL=duckdb:"+db, "LOG_LEVEL=warn")
	}
	run := func(name, db string, wait func() error) error {
		begin := time.Now()
		worker, err := start(db)
		if err != nil {
			return err
		}
		defer worker.stop()
		if err := wait(); err != nil {
			return err
		}
		took, rss := time.Since(begin), worker.peakRSS()
		worker.stop()
		t, err := duckdb.Query(ctx, db, "SELECT count(*) FROM customerio_events")
		if err != nil {
			return err
		}
		fmt.Printf("%-24s %8.0f events/s  (%v rows, start included), RSS %.0f MiB\n", name, replayed/took.Seconds(), t.Rows[0][0], rss)
		return os.Remove(db)
	}
	if err := run("live, stream to DuckDB", filepath.Join(dir, "live.duckdb"), func() error { return waitDrained(ctx, conn) }); err != nil {
		return err
	}
	r, err := conn.StartReplay(ctx, stream.ReplayRequest{Target: "warehouse"})
	if err != nil {
		return err
	}
	return run("replay into DuckDB", filepath.Join(dir, "replay.duckdb"), func() error { return waitReplayed(ctx, conn, r.ID) })
}

// waitReplayed waits until the last event of a replay is settled.
func waitReplayed(ctx context.Context, conn *stream.Conn, id string) error {
	for ctx.Err() == nil {
		_, r, err := conn.Remaining(ctx, id)
		if errors.Is(err, stream.ErrNoReplay) || err == nil && r.Done {
			return nil
		}
		time.Sleep(200 * time.Millisecond)
	}
	return ctx.Err()
}
