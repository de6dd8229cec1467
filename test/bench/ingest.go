package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"github.com/cioevents/cioevents/test/lab"
)

// connections is how many connections send their next call after each answer.
const connections = 256

// The bounds and the aim of ingest beside a receiver without a queue.
const (
	// leastCalls is the smallest part of the baseline's calls a second that ingest answers,
	// aimCalls is the wanted part.
	leastCalls, aimCalls = 0.52, 0.56
	// mostP99 is the largest p99 of 2,000 calls a second, in parts of the baseline's. The
	// usual part is 1.3: the bound finds a regression, and no bad minute of the machine.
	mostP99 = 2
	// mostMemory is the largest resident memory in MiB with that many connections.
	mostMemory = 64
)

const ingestUsage = `ingest compares the receiver with a receiver that has no queue: calls a second, latency
and processor time. With the executable of the ingest of another commit it compares the
two.

Usage:
  go run ./test/bench ingest [EXECUTABLE]
`

func prepareIngest(*flag.FlagSet) func([]string) (measure, error) {
	return func(args []string) (measure, error) {
		if len(args) > 1 {
			return nil, fmt.Errorf("%q: want one executable at most", args)
		}
		against := strings.Join(args, "")
		if against != "" {
			if err := executable(against); err != nil {
				return nil, err
			}
		}
		return func(ctx context.Context, dir string, observe during) error {
			return benchIngest(ctx, dir, observe, against)
		}, nil
	}
}

// benchIngest measures the receiver beside a receiver without a queue, or beside the
// executable of another ingest.
func benchIngest(ctx context.Context, dir string, observe during, against string) error {
	if err := lab.Build(ctx, dir, "ingest"); err != nil {
		return err
	}
	system, err := startSystem(ctx, dir, filepath.Join(dir, "nats"))
	if err != nil {
		return err
	}
	defer system.Close()
	ingest := system.Ingest()
	defer ingest.Stop()
	if err := ingest.StartReady(ctx); err != nil {
		return err
	}
	if against == "" {
		base, err := startRole(ctx, nil, baselineRole, lab.FreeAddr())
		if err != nil {
			return err
		}
		defer base.Stop()
		return benchReceivers(ctx, observe, "Echo without a queue", base, ingest, true)
	}
	base := system.Ingest()
	base.Path = against
	defer base.Stop()
	if err := base.StartReady(ctx); err != nil {
		return err
	}
	return benchReceivers(ctx, observe, filepath.Base(against), base, ingest, false)
}

// benchReceivers compares ingest with the baseline under two loads.
func benchReceivers(ctx context.Context, observe during, name string, base, ingest *lab.Process, judged bool) error {
	busy, calm := receiverLoads(name, base, ingest, judged)
	err := errors.Join(busy.run(ctx, observe), calm.run(ctx, observe))
	if ctx.Err() != nil {
		return err // the interrupt has ended ingest, too
	}
	fmt.Println()
	return errors.Join(err, memoryBound("ingest", ingest.PeakRSS(), mostMemory))
}

// receiverLoads returns the comparisons under two loads. A run is short, so that most runs
// end in the state of the machine in which they began.
func receiverLoads(name string, base, ingest *lab.Process, judged bool) (busy, calm *comparison) {
	busy = receivers("256 connections, each sends after the answer", name, base, ingest, load{connections: connections, duration: 3 * time.Second})
	busy.pairs = 9
	calm = receivers("2,000 calls a second", name, base, ingest, load{connections: 64, rate: 2000, duration: 3 * time.Second})
	calm.pairs = 5
	if judged {
		busy.goals = []goal{{bound: true, ratio: true, least: leastCalls}, {ratio: true, least: aimCalls}}
		calm.goals = []goal{{bound: true, figure: p99Figure, ratio: true, most: mostP99}}
	}
	return busy, calm
}

// p99Figure is the index of p99 in the figures of receivers.
const p99Figure = 2

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
