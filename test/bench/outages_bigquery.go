package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/cioevents/cioevents/internal/app/workerapp"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery/bigqueryfake"
	"github.com/cioevents/cioevents/test/lab"
)

// arrivals is how many events a second arrive during the outage of BigQuery.
const arrivals = 500

// proveBigQuery stops BigQuery for two minutes while events arrive: connections are
// reset for one minute and hang for another minute.
func proveBigQuery(ctx context.Context, b *testbed) error {
	bigquery, err := lab.StartBigQuery(bigqueryfake.Config{})
	if err != nil {
		return err
	}
	defer bigquery.Close()
	ingest, worker := b.Ingest(), b.Worker(lab.Consumers(workerapp.Warehouse), lab.WarehouseEnv(bigquery.URL()))
	defer ingest.Stop()
	defer worker.Stop()
	if err := errors.Join(ingest.StartReady(ctx), worker.Start()); err != nil {
		return err
	}

	const before, minute, after = 10 * time.Second, time.Minute, 20 * time.Second
	sent := make(chan loadResult, 1)
	failed := make(chan error, 1)
	go func() {
		r, err := (load{addr: ingest.Addr, connections: 16, rate: arrivals, duration: before + 2*minute + after}).run(ctx)
		sent <- r
		failed <- err
	}()
	for _, phase := range []struct {
		what  string
		begin func()
		lasts time.Duration
	}{
		{"BigQuery works", func() {}, before},
		{"BigQuery resets connections", bigquery.Stop, minute},
		{"BigQuery hangs", bigquery.Hang, minute},
	} {
		phase.begin()
		if _, err := b.watch(ctx, phase.what, phase.lasts+time.Minute, until(time.Now().Add(phase.lasts)), workerapp.Warehouse); err != nil {
			return err
		}
	}
	bigquery.Restart()
	caught, err := b.watch(ctx, "BigQuery has recovered", 2*time.Minute, func(lag uint64) bool { return lag < arrivals }, workerapp.Warehouse)
	if err != nil {
		return err
	}
	r := <-sent
	if err := <-failed; err != nil {
		return err
	}
	took, err := b.watch(ctx, "the last event was sent", time.Minute, drained, workerapp.Warehouse)
	if err != nil {
		return err
	}
	return errors.Join(judgeBigQuery(bigquery, b, r, caught, took), b.NoDeadLetters(ctx), alive(ctx, worker))
}

func judgeBigQuery(bigquery *lab.BigQuery, b *testbed, r loadResult, caught, took time.Duration) error {
	events, calls := r.statuses[http.StatusOK], 0
	for _, n := range r.statuses {
		calls += n
	}
	rows, unique := bigquery.EventRows(), bigquery.Events()
	fmt.Printf("  %d events at %d/s, 120 s without BigQuery; answers p99 %.1f ms\n", events, arrivals, milliseconds(r.p99))
	fmt.Printf("  longest lag %d; %.1f s from the recovery until the lag was below one second of events, %.1f s from the last event to zero\n",
		b.longestLag, caught.Seconds(), took.Seconds())
	fmt.Printf("  %d rows, %d of them repeated, %d unique\n", rows, rows-unique, unique)
	switch {
	case events != calls:
		return fmt.Errorf("answers by status are %v, want 200 only", r.statuses)
	case unique != events:
		return fmt.Errorf("there are %d unique rows, want %d", unique, events)
	}
	return nil
}
