package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/cioevents/cioevents/internal/app/workerapp"
	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery/bigqueryfake"
	"github.com/cioevents/cioevents/test/lab"
)

// The number of events, and how soon a reader must see each row.
const (
	visibleEvents = 30 // one a second
	visibleWithin = 2 * time.Second
)

// proveVisible sends one event a second and reads each warehouse until the row of the
// event is visible.
func proveVisible(ctx context.Context, b *testbed) error {
	bigquery, err := lab.StartBigQuery(bigqueryfake.Config{})
	if err != nil {
		return err
	}
	defer bigquery.Close()
	db, files := filepath.Join(b.dir, "events.duckdb"), filepath.Join(b.dir, "parquet")
	ingest, worker := b.Ingest(), b.Worker(lab.Consumers(workerapp.Warehouse), lab.WarehouseEnv("duckdb:"+db, "parquet:"+files, bigquery.URL()))
	defer ingest.Stop()
	defer worker.Stop()
	if err := errors.Join(ingest.StartReady(ctx), worker.StartReady(ctx)); err != nil {
		return err
	}
	readers := []*reader{
		{name: "DuckDB", rows: func(ctx context.Context) (int, error) { return number(count(ctx, db, warehouse.Events)) }},
		{name: "Parquet", rows: func(ctx context.Context) (int, error) { return number(countFiles(ctx, files)) }},
		{name: "BigQuery", rows: func(context.Context) (int, error) { return bigquery.EventRows(), nil }},
	}
	var reading sync.WaitGroup
	for _, r := range readers {
		reading.Go(func() { r.read(ctx) })
	}
	sent, err := sendSlowly(ctx, ingest.Addr)
	reading.Wait()
	for _, r := range readers {
		err = errors.Join(err, r.judge(sent))
	}
	return errors.Join(err, b.NoDeadLetters(ctx))
}

// sendSlowly sends one event a second and returns the time of each call.
func sendSlowly(ctx context.Context, addr string) ([]time.Time, error) {
	// The first event, which is not counted, creates the tables and folders.
	var sent []time.Time
	for i := range visibleEvents + 1 {
		progressf("  event %d", i)
		due := time.Now().Add(time.Second)
		sent = append(sent, time.Now())
		r, err := (load{addr: addr, connections: 1, rate: 1, duration: 100 * time.Millisecond}).run(ctx)
		if err != nil {
			return nil, err
		}
		if r.statuses[http.StatusOK] != 1 {
			return nil, fmt.Errorf("answers by status are %v, want one 200", r.statuses)
		}
		lab.Pause(ctx, time.Until(due))
	}
	progressf("")
	return sent, nil
}

// number converts a count. An error counts as 0, because the table or the first file
// may not exist yet.
func number(text string, err error) (int, error) {
	if err != nil {
		return 0, nil //nolint:nilerr // See above.
	}
	return strconv.Atoi(text)
}

// A reader reads a warehouse and notes when each row became visible.
type reader struct {
	name string
	rows func(context.Context) (int, error)
	seen []time.Time
	err  error
}

func (r *reader) read(ctx context.Context) {
	deadline := time.Now().Add((visibleEvents + 20) * time.Second)
	for ctx.Err() == nil && len(r.seen) <= visibleEvents && time.Now().Before(deadline) {
		n, err := r.rows(ctx)
		if err != nil {
			r.err = err
			return
		}
		for now := time.Now(); len(r.seen) < n; {
			r.seen = append(r.seen, now)
		}
		lab.Pause(ctx, 50*time.Millisecond)
	}
}

func (r *reader) judge(sent []time.Time) error {
	if r.err != nil {
		return fmt.Errorf("%s: %w", r.name, r.err)
	}
	if len(r.seen) != len(sent) || len(sent) == 0 {
		return fmt.Errorf("%s: %d rows are visible, want %d", r.name, len(r.seen), len(sent))
	}
	var waits []time.Duration
	for i := 1; i < len(sent); i++ {
		waits = append(waits, r.seen[i].Sub(sent[i]))
	}
	slices.Sort(waits)
	worst := waits[len(waits)-1]
	fmt.Printf("  %-9s %d events, one a second, from the call to the visible row: p50 %.0f ms, max %.0f ms\n",
		r.name, len(waits), milliseconds(waits[len(waits)/2]), milliseconds(worst))
	if worst > visibleWithin {
		return fmt.Errorf("%s: a row was visible after %v, want %v at most", r.name, worst, visibleWithin)
	}
	return nil
}
