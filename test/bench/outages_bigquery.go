package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/cioevents/cioevents/internal/app/workerapp"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery/bigqueryfake"
)

// arrivals is how many events arrive in a second of an outage of the warehouse.
const arrivals = 500

// proveBigQuery takes BigQuery away for two minutes while events arrive: for one
// minute connections are reset, for another they hang.
func proveBigQuery(ctx context.Context, l *rig) error {
	fake, err := bigqueryfake.Start(bigqueryfake.Config{})
	if err != nil {
		return err
	}
	defer fake.Close()
	ingest, addr, err := l.startIngest(ctx)
	if err != nil {
		return err
	}
	defer ingest.stop()
	worker, admin, err := l.startWarehouse(ctx, bigQueryURL(fake.GRPCEndpoint(), fake.RESTEndpoint()))
	if err != nil {
		return err
	}
	defer worker.stop()

	const before, minute, after = 10 * time.Second, time.Minute, 20 * time.Second
	sent := make(chan loadResult, 1)
	failed := make(chan error, 1)
	go func() {
		r, err := (load{addr: addr, key: key, connections: 16, rate: arrivals, duration: before + 2*minute + after}).run(ctx)
		sent <- r
		failed <- err
	}()
	phase := func(what string, d time.Duration) error {
		_, err := l.watch(ctx, what, d+time.Minute, until(time.Now().Add(d)), workerapp.Warehouse)
		return err
	}
	if err := phase("BigQuery works", before); err != nil {
		return err
	}
	fake.Stop()
	if err := phase("BigQuery resets connections", minute); err != nil {
		return err
	}
	fake.Hang()
	if err := phase("BigQuery hangs", minute); err != nil {
		return err
	}
	fake.Restart()
	caught, err := l.watch(ctx, "BigQuery is back", 2*time.Minute, func(lag uint64) bool { return lag < arrivals }, workerapp.Warehouse)
	if err != nil {
		return err
	}
	r := <-sent
	if err := <-failed; err != nil {
		return err
	}
	drained, err := l.watch(ctx, "no event arrives", time.Minute, nothing, workerapp.Warehouse)
	if err != nil {
		return err
	}
	return errors.Join(judgeBigQuery(fake, l, r, caught, drained), l.dead(ctx), answers(ctx, admin))
}

func judgeBigQuery(fake *bigqueryfake.Server, l *rig, r loadResult, caught, drained time.Duration) error {
	events, calls := r.statuses[http.StatusOK], 0
	for _, n := range r.statuses {
		calls += n
	}
	unique := map[any]bool{}
	rows := fake.Rows(project, dataset, bigquery.Raw)
	for _, row := range rows {
		unique[row["event_id"]] = true
	}
	fmt.Printf("  %d events at %d/s, 120 s without BigQuery; answers p99 %.1f ms\n", events, arrivals, milliseconds(r.p99))
	fmt.Printf("  longest lag %d; %.1f s from its return until the lag was under a second's events, then %.1f s from the last event to zero\n",
		l.longest, caught.Seconds(), drained.Seconds())
	fmt.Printf("  %d rows, %d of them repeated, %d unique\n", len(rows), len(rows)-len(unique), len(unique))
	switch {
	case events != calls:
		return fmt.Errorf("answers are not all 200: %v", r.statuses)
	case len(unique) != events:
		return fmt.Errorf("%d unique rows of %d events", len(unique), events)
	}
	return nil
}

// answers fails when a program is not there any more.
func answers(ctx context.Context, admin string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+admin+"/healthz", http.NoBody)
	if err != nil {
		return err
	}
	res, err := (&http.Client{Timeout: time.Second}).Do(req)
	if err != nil {
		return fmt.Errorf("the worker has not stayed up: %w", err)
	}
	return res.Body.Close()
}
