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
	l, err := newLab(ctx, dir)
	if err != nil {
		return err
	}
	defer l.close()
	s := &soak{rig: l}
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
	return errors.Join(broken, s.small(), l.dead(ctx), s.count(ctx))
}

// A soak is the programs that are watched, and what they have answered.
type soak struct {
	*rig
	ingest, worker *child
	addr, admin    string // of ingest
	to             destination
	api            *trackAPI
	sent, stored   int // events, and those that were answered 200
}

func (s *soak) start(ctx context.Context, dir string) (err error) {
	if s.to, err = newDestination(ctx, "duckdb", filepath.Join(dir, "warehouse")); err != nil {
		return err
	}
	if s.api, err = startTrackAPI(customeriotest.Config{CallLog: 1, KnowsEverybody: true}, nil); err != nil {
		return err
	}
	s.addr, s.admin = freeAddr(), freeAddr()
	if s.ingest, err = startProgram(ctx, s.rig.ingest, "INGEST_ADDR="+s.addr, "ADMIN_ADDR="+s.admin, "NATS_URL="+s.server.addr,
		"CUSTOMERIO_WEBHOOK_SECRET="+key, "LOG_LEVEL=error", "DRAIN_DELAY=0"); err != nil {
		return err
	}
	if s.worker, err = startProgram(ctx, s.rig.worker, "NATS_URL="+s.server.addr, "ADMIN_ADDR=127.0.0.1:0", "LOG_LEVEL=error",
		"WAREHOUSE_URL="+s.to.url, "CUSTOMERIO_SITE_ID=site", "CUSTOMERIO_TRACK_API_KEY=key", "CUSTOMERIO_TRACK_URL="+s.api.url()); err != nil {
		return err
	}
	return waitReady(ctx, s.admin)
}

// stop ends what start has started, also when start got halfway.
func (s *soak) stop() {
	for _, c := range []*child{s.ingest, s.worker} {
		if c != nil {
			c.stop()
		}
	}
	if s.api != nil {
		_ = s.api.refuse() // nobody calls any more
	}
}

// busyConsumers are those that have something to do: the events are clicks.
var busyConsumers = []string{workerapp.Engagement, workerapp.Warehouse}

// run sends the load of a phase, waits until it is worked off and judges it.
func (s *soak) run(ctx context.Context, p phase) error {
	p.addr, p.key = s.addr, key
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
	drained, err := s.watch(ctx, p.name+" is worked off", 5*time.Minute, nothing, busyConsumers...)
	if err != nil {
		return err
	}
	fmt.Printf("  %-6s %6.0f a second for %v: answers %v, p50 %.1f ms, p99 %.1f ms, longest %.0f ms; worked off after %.1f s\n%s",
		p.name, r.perSecond, p.duration, r.statuses, milliseconds(r.p50), milliseconds(r.p99), milliseconds(r.max), drained.Seconds(), seen)
	if r.refused > 0 {
		fmt.Printf("         99 %% of the refusals within %.1f ms\n", milliseconds(r.refused))
	}
	return errors.Join(p.judge(r), p.judgeSights(seen))
}

// count compares the rows with the answers. A call may be answered 503 and stored
// all the same, when the stream's answer is late.
func (s *soak) count(ctx context.Context) error {
	s.worker.stop()
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
