package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"path/filepath"
	"strconv"
	"time"

	"github.com/cioevents/cioevents/internal/app/workerapp"
	"github.com/cioevents/cioevents/internal/customerio/customeriotest"
	"github.com/cioevents/cioevents/test/lab"
)

// A phase of a soak is a load with its expectations.
type phase struct {
	name string
	load
	flat bool // memory must not grow
	busy bool // 503 is allowed, because the load is above the promised rate
}

// crowd is how many connections send their next call after each answer: three times
// the calls that ingest lets wait for the stream.
const crowd = 3_000

const soakUsage = `soak sends events at a rate for a long time, then a burst, then more than ingest accepts,
and checks the answers, the memory and the rows.

Usage:
  go run ./test/bench soak [flags]

Flags:
`

func prepareSoak(f *flag.FlagSet) func([]string) (measure, error) {
	rate := f.Float64("rate", 5_000, "events a second of the soak")
	long := f.Duration("duration", 10*time.Minute, "duration of the soak")
	usual := f.Float64("usual", 500, "events a second before and after the burst")
	burst := f.Float64("burst", 20, "factor of the burst over the usual rate")
	return func(args []string) (measure, error) {
		if err := noArguments(args); err != nil {
			return nil, err
		}
		if *rate <= 0 || *usual <= 0 || *burst <= 0 || *long < 10*time.Second {
			return nil, errors.New("want rates above 0 and a duration of at least 10s")
		}
		phases := soakPhases(*rate, *usual, *burst, *long)
		return func(ctx context.Context, dir string, observe during) error {
			return benchSoak(ctx, dir, observe, phases)
		}, nil
	}
}

// soakPhases returns the phases of a soak.
func soakPhases(rate, usual, burst float64, long time.Duration) []phase {
	const short = 20 * time.Second
	calm := load{connections: 256, rate: usual, duration: short}
	return []phase{
		{name: "soak", load: load{connections: 256, rate: rate, duration: long}, flat: true},
		{name: "usual", load: calm},
		{name: "burst", load: load{connections: 2_000, rate: usual * burst, duration: short}, busy: true},
		{name: "usual", load: calm},
		{name: "crowd", load: load{connections: crowd, duration: short}, busy: true},
		{name: "usual", load: calm},
	}
}

// benchSoak sends events for a long time, then a burst, then an overload, and checks
// the answers and the memory of the programs.
func benchSoak(ctx context.Context, dir string, observe during, phases []phase) error {
	if err := lab.Build(ctx, dir, "ingest", "worker"); err != nil {
		return err
	}
	// A cache line changes during a long soak, which is valid all the same.
	return observe.noted(ctx, "soak", condition.disturbed, func(ctx context.Context) error {
		return soakThrough(ctx, dir, phases)
	})
}

func soakThrough(ctx context.Context, dir string, phases []phase) error {
	b, err := newTestbed(ctx, dir, dir)
	if err != nil {
		return err
	}
	defer b.Close()
	s := &soak{testbed: b}
	defer s.stop()
	if err := s.start(ctx, dir); err != nil {
		return err
	}
	var broken error
	for _, p := range phases {
		broken = errors.Join(broken, s.run(ctx, p))
		if ctx.Err() != nil {
			return ctx.Err() // The interrupt caused the failures.
		}
	}
	return errors.Join(broken, s.judgeMemory(), s.NoDeadLetters(ctx), s.countRows(ctx))
}

// A soak contains the programs under load and counts the answers.
type soak struct {
	*testbed
	ingest, worker *lab.Process
	to             destination
	api            *lab.TrackAPI
	sent, stored   int // events sent, and events answered 200
}

func (s *soak) start(ctx context.Context, dir string) (err error) {
	if s.to, err = newDestination(ctx, "duckdb", filepath.Join(dir, "warehouse")); err != nil {
		return err
	}
	if s.api, err = lab.StartTrackAPI(customeriotest.Config{CallLog: 1, KnowsEverybody: true}); err != nil {
		return err
	}
	s.ingest, s.worker = s.Ingest(), s.Worker(lab.WarehouseEnv(s.to.url), lab.TrackEnv(s.api.URL()))
	return errors.Join(s.worker.Start(), s.ingest.StartReady(ctx))
}

// stop ends the processes, also after a failed start.
func (s *soak) stop() {
	for _, p := range []*lab.Process{s.ingest, s.worker} {
		if p != nil {
			p.Stop()
		}
	}
	if s.api != nil {
		s.api.Refuse()
	}
}

// busyConsumers are the consumers of clicks. All events of the soak are clicks.
var busyConsumers = []string{workerapp.Engagement, workerapp.Warehouse}

// run sends the load of a phase, waits until every event is handled and judges the
// phase.
func (s *soak) run(ctx context.Context, p phase) error {
	p.addr = s.ingest.Addr
	watching, stop := context.WithCancel(ctx)
	watched := make(chan samples)
	go func() { watched <- s.sample(watching, p) }()
	r, err := p.run(ctx)
	stop()
	seen := <-watched
	if err != nil {
		return fmt.Errorf("%s: %w", p.name, err)
	}
	s.stored += r.statuses[http.StatusOK]
	for _, n := range r.statuses {
		s.sent += n
	}
	took, err := s.watch(ctx, p.name+" is handled", 5*time.Minute, drained, busyConsumers...)
	if err != nil {
		return err
	}
	fmt.Printf("  %-6s %6.0f a second for %v: answers %v, p50 %.1f ms, p99 %.1f ms, longest %.0f ms; all handled after %.1f s\n%s",
		p.name, r.perSecond, p.duration, r.statuses, milliseconds(r.p50), milliseconds(r.p99), milliseconds(r.max), took.Seconds(), seen)
	if r.refused > 0 {
		fmt.Printf("         99 %% of the refusals within %.1f ms\n", milliseconds(r.refused))
	}
	return errors.Join(p.judge(r), p.judgeSamples(seen))
}

// countRows compares the rows with the answers. A call that is answered 503 may still
// be stored, when the acknowledgement of the stream is late.
func (s *soak) countRows(ctx context.Context) error {
	s.worker.Stop()
	rows, err := s.to.rows(ctx)
	if err != nil {
		return err
	}
	fmt.Printf("  %d events sent, %d answered 200, %s rows\n", s.sent, s.stored, rows)
	if n, err := strconv.Atoi(rows); err != nil || n < s.stored || n > s.sent {
		return fmt.Errorf("there are %s rows, want between %d (answered 200) and %d (sent)", rows, s.stored, s.sent)
	}
	return nil
}
