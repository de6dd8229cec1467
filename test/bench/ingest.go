package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"time"

	"github.com/cioevents/cioevents/test/lab"
)

// connections is how many connections send their next call after each answer.
const connections = 256

// leastRatio is the smallest part of the baseline's calls a second that ingest answers.
const leastRatio = 0.50

// benchIngest measures the receiver beside a receiver without a queue, or beside ingest of
// another commit, when args has the path of its executable.
func benchIngest(ctx context.Context, dir string, observe during, args []string) error {
	if err := lab.Build(ctx, dir, "ingest"); err != nil {
		return err
	}
	system, err := lab.StartSystem(ctx, dir, filepath.Join(dir, "nats"))
	if err != nil {
		return err
	}
	defer system.Close()
	ingest := system.Ingest()
	defer ingest.Stop()
	if err := ingest.StartReady(ctx); err != nil {
		return err
	}
	if len(args) == 0 {
		base, err := startRole(ctx, nil, baselineRole, lab.FreeAddr())
		if err != nil {
			return err
		}
		defer base.Stop()
		return benchReceivers(ctx, observe, "Echo without a queue", base, ingest, leastRatio)
	}
	base := system.Ingest()
	base.Path = args[0]
	defer base.Stop()
	if err := base.StartReady(ctx); err != nil {
		return err
	}
	return benchReceivers(ctx, observe, filepath.Base(args[0]), base, ingest, 0)
}

// benchReceivers compares ingest with the baseline under two loads. A run is short, so that
// most runs end in the state of the machine in which they began.
func benchReceivers(ctx context.Context, observe during, name string, base, ingest *lab.Process, want float64) error {
	busy := receivers("256 connections, each sends after the answer", name, base, ingest, load{connections: connections, duration: 3 * time.Second})
	busy.pairs, busy.want = 9, want
	calm := receivers("2,000 calls a second", name, base, ingest, load{connections: 64, rate: 2000, duration: 3 * time.Second})
	calm.pairs = 5
	err := errors.Join(busy.run(ctx, observe), calm.run(ctx, observe))
	fmt.Printf("\npeak RSS of ingest: %.0f MiB\n", ingest.PeakRSS())
	return err
}

// receivers compares ingest with the baseline under a load.
func receivers(name, baseline string, base, ingest *lab.Process, l load) *comparison {
	return &comparison{
		name:    name,
		sides:   [2]side{{baseline, l.on(base)}, {"ingest", l.on(ingest)}},
		figures: []string{"calls/s", "p50 ms", "p99 ms", "CPU µs/call"},
	}
}

// on returns a run of the load against a receiver.
func (l load) on(p *lab.Process) func(context.Context) ([]float64, error) {
	l.addr = p.Addr
	return func(ctx context.Context) ([]float64, error) {
		before := p.CPU()
		r, err := l.run(ctx)
		if err != nil {
			return nil, err
		}
		calls := r.statuses[http.StatusOK]
		if calls == 0 || len(r.statuses) > 1 {
			return nil, fmt.Errorf("answers by status are %v, want 200 only", r.statuses)
		}
		cpu := float64((p.CPU() - before).Microseconds()) / float64(calls)
		return []float64{r.perSecond, milliseconds(r.p50), milliseconds(r.p99), cpu}, nil
	}
}
