package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/cioevents/cioevents/internal/app/workerapp"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/test/lab"
)

// replayed is how many events are replayed: enough to show whether memory grows with
// the number of events.
const replayed = 1_000_000

const replayUsage = `replay measures a replay of a million events into an empty DuckDB file, beside the live
consumer that writes the same events to another file.

Usage:
  go run ./test/bench replay
`

func prepareReplay(*flag.FlagSet) func([]string) (measure, error) {
	return func(args []string) (measure, error) { return benchReplay, noArguments(args) }
}

// benchReplay measures a replay into an empty DuckDB file beside the live consumer,
// which writes the same events to another file.
func benchReplay(ctx context.Context, dir string, observe during) error {
	if err := lab.Build(ctx, dir, "worker"); err != nil {
		return err
	}
	return observe.noted(ctx, "replay", condition.flaw, func(ctx context.Context) error {
		return compareReplay(ctx, dir, filepath.Join(dir, "replay"), replayed)
	})
}

// compareReplay compares a replay of events with the live consumer. bin has the worker, and
// dir becomes the folder of NATS and of the files.
func compareReplay(ctx context.Context, bin, dir string, events int) error {
	system, err := startSystem(ctx, bin, dir)
	if err != nil {
		return err
	}
	defer system.Close()
	if err := fillStream(ctx, system.Client, events); err != nil {
		return err
	}
	live, other := filepath.Join(dir, "live.duckdb"), filepath.Join(dir, "replay.duckdb")
	if err := fillFile(ctx, system, "live, stream to DuckDB", live, events, func() error {
		return system.WaitHandled(ctx, handledWithin, workerapp.Warehouse)
	}); err != nil {
		return err
	}
	if _, err := system.Adopt(ctx, "duckdb:"+other); err != nil {
		return err
	}
	r, err := system.StartReplay(ctx, stream.ReplayRequest{Target: workerapp.Warehouse})
	if err != nil {
		return err
	}
	return fillFile(ctx, system, "replay into DuckDB", other, events, func() error { return waitReplayed(ctx, system.Client, r.ID) })
}

// fillFile measures a worker until wait returns, and fails when the file has not all events.
func fillFile(ctx context.Context, system *lab.System, name, db string, events int, wait func() error) error {
	begin := time.Now()
	worker := warehouseWorker(system, "duckdb:"+db)
	defer worker.Stop()
	if err := worker.Start(); err != nil {
		return err
	}
	if err := wait(); err != nil {
		return err
	}
	took, rss := time.Since(begin), worker.PeakRSS()
	worker.Stop()
	rows, err := count(ctx, db, warehouse.Events)
	if err != nil {
		return err
	}
	if rows != strconv.Itoa(events) {
		return fmt.Errorf("%s: %s rows, want %d", name, rows, events)
	}
	fmt.Printf("%-24s %8.0f events/s  (%s rows, start included), RSS %.0f MiB\n", name, float64(events)/took.Seconds(), rows, rss)
	return os.Remove(db)
}

// waitReplayed waits until the last event of a replay is acknowledged. Counting the
// remaining events is avoided because the count costs time of the server.
func waitReplayed(ctx context.Context, client *lab.Client, id string) error {
	return lab.WaitFor(ctx, "the replay is done", handledWithin, func() error {
		replays, err := client.Replays(ctx)
		if err == nil && slices.ContainsFunc(replays, func(r stream.Replay) bool { return r.ID == id && !r.Done }) {
			err = errors.New("the replay is not done")
		}
		return err
	})
}
