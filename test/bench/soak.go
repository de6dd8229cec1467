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

// A phase of a soak is a load and what is asked of it.
type phase struct {
	name string
	load
	flat bool // the memory must not grow
	busy bool // 503 is an answer too: more is sent than has to be taken
}

// crowd is how many connections send as fast as they are answered: thrice as many
// calls as ingest lets wait for the stream.
const crowd = 3_000

// soakPhases reads the flags.
func soakPhases(args []string) ([]phase, error) {
	f := flag.NewFlagSet("soak", flag.ContinueOnError)
	rate := f.Float64("rate", 5_000, "events a second of the soak")
	long := f.Duration("duration", 10*time.Minute, "how long the soak is")
	usual := f.Float64("usual", 500, "events a second before and after the burst")
	burst := f.Float64("burst", 20, "how many times the usual a burst is")
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	if f.NArg() > 0 || *rate <= 0 || *usual <= 0 || *burst <= 0 || *long < 10*time.Second {
		return nil, fmt.Errorf("soak %q: it takes flags only, rates above 0 and a duration of 10s or more", args)
	}
	const short = 20 * time.Second
	calm := load{connections: 256, rate: *usual, duration: short}
	return []phase{
		{name: "soak", load: load{connections: 256, rate: *rate, duration: *long}, flat: true},
		{name: "usual", load: calm},
		{name: "burst", load: load{connections: 2_000, rate: *usual * *burst, duration: short}, busy: true},
		{name: "usual", load: calm},
		{name: "crowd", load: load{connections: crowd, duration: short}, busy: true},
		{name: "usual", load: calm},
	}, nil
}

// benchSoak sends events for a long time, then a burst, then more than can be taken,
// and watches what the programs make of it.
func benchSoak(ctx context.Context, dir string, args []string) error {
	phases, err := soakPhases(args)
	if err != nil {
		return err
	}
	if err := lab.Build(ctx, dir, "ingest", "worker"); err != nil {
		return err
	}
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
			return ctx.Err() // interrupted: what is broken now was broken by us
		}
	}
	return errors.Join(broken, s.small(), s.noDeadLetters(ctx), s.countRows(ctx))
}

// A soak is the programs that are watched, and what they have answered.
type soak struct {
	*testbed
	ingest, worker *lab.Process
	to             destination
	api            *lab.TrackAPI
	sent, stored   int // events, and those that were answered 200
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

// stop ends what start has started, also when start got halfway.
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

// busyConsumers are those that have something to do: the events are clicks.
var busyConsumers = []string{workerapp.Engagement, workerapp.Warehouse}

// run sends the load of a phase, waits until it is worked off and judges it.
func (s *soak) run(ctx context.Context, p phase) error {
	p.addr = s.ingest.Addr
	watching, stop := context.WithCancel(ctx)
	watched := make(chan sights)
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
	took, err := s.watch(ctx, p.name+" is worked off", 5*time.Minute, drained, busyConsumers...)
	if err != nil {
		return err
	}
	fmt.Printf("  %-6s %6.0f a second for %v: answers %v, p50 %.1f ms, p99 %.1f ms, longest %.0f ms; worked off after %.1f s\n%s",
		p.name, r.perSecond, p.duration, r.statuses, milliseconds(r.p50), milliseconds(r.p99), milliseconds(r.max), took.Seconds(), seen)
	if r.refused > 0 {
		fmt.Printf("         99 %% of the refusals within %.1f ms\n", milliseconds(r.refused))
	}
	return errors.Join(p.judge(r), p.judgeSights(seen))
}

// countRows compares the rows with the answers. A call may be answered 503 and stored
// all the same, when the stream's answer is late.
func (s *soak) countRows(ctx context.Context) error {
	s.worker.Stop()
	rows, err := s.to.rows(ctx)
	if err != nil {
		return err
	}
	fmt.Printf("  %d events sent, %d answered 200, %s rows\n", s.sent, s.stored, rows)
	if n, err := strconv.Atoi(rows); err != nil || n < s.stored || n > s.sent {
		return fmt.Errorf("of %d events %d were answered 200, there are %s rows", s.sent, s.stored, rows)
	}
	return nil
}
