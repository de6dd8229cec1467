package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/cioevents/cioevents/internal/app/workerapp"
	"github.com/cioevents/cioevents/internal/customerio/customeriotest"
)

// The phases of a soak, in events a second.
const (
	soakRate  = 5_000
	usualRate = 300
	burstRate = 20 * usualRate
	// How many connections are in the crowd, and send as fast as they are answered:
	// thrice as many calls as ingest lets wait for the stream.
	crowd = 3_000
)

// answerWithin is Customer.io's patience.
const answerWithin = 4 * time.Second

// busyConsumers are those that have something to do: the events are clicks.
var busyConsumers = []string{workerapp.Engagement, workerapp.Warehouse}

// benchSoak sends events for a long time, then a burst, then more than can be taken,
// and watches what the programs make of it.
func benchSoak(ctx context.Context, dir string, args []string) error {
	long := 10 * time.Minute
	if len(args) > 0 {
		var err error
		if long, err = time.ParseDuration(args[0]); err != nil {
			return fmt.Errorf("soak for how long: %w", err)
		}
	}
	l, err := newLab(ctx, dir)
	if err != nil {
		return err
	}
	defer l.close()
	s := &soak{lab: l}
	if err := s.start(ctx, dir); err != nil {
		return err
	}
	defer s.stop()
	err = errors.Join(
		s.phase(ctx, "soak", load{connections: 256, rate: soakRate, duration: long}),
		s.flat(),
		s.phase(ctx, "usual", load{connections: 256, rate: usualRate, duration: 20 * time.Second}),
		s.phase(ctx, "burst", load{connections: 512, rate: burstRate, duration: 20 * time.Second}),
		s.phase(ctx, "crowd", load{connections: crowd, duration: 20 * time.Second}),
		s.phase(ctx, "usual", load{connections: 256, rate: usualRate, duration: 20 * time.Second}),
	)
	return errors.Join(err, l.dead(ctx), s.count(ctx))
}

// A soak is the programs that are watched.
type soak struct {
	*lab
	ingest, worker *child
	addr           string
	to             destination
	api            *trackAPI
	stored         int          // events that were answered 200
	memory         [2][]float64 // of ingest and of the worker, every second
}

func (s *soak) start(ctx context.Context, dir string) (err error) {
	if s.to, err = newDestination(ctx, "duckdb", filepath.Join(dir, "warehouse")); err != nil {
		return err
	}
	if s.api, err = startTrackAPI(customeriotest.Config{CallLog: 1, KnowsEverybody: true}, nil); err != nil {
		return err
	}
	if s.ingest, s.addr, err = s.startIngest(ctx); err != nil {
		return err
	}
	s.worker, err = startProgram(ctx, s.lab.worker, "NATS_URL="+s.server.addr, "ADMIN_ADDR=127.0.0.1:0", "LOG_LEVEL=error",
		"WAREHOUSE_URL="+s.to.url, "CUSTOMERIO_SITE_ID=site", "CUSTOMERIO_TRACK_API_KEY=key", "CUSTOMERIO_TRACK_URL="+s.api.url())
	return err
}

func (s *soak) stop() {
	for _, c := range []*child{s.ingest, s.worker} {
		if c != nil {
			c.stop()
		}
	}
	_ = s.api.refuse() // nobody calls any more
}

// phase sends a load and waits until it is worked off.
func (s *soak) phase(ctx context.Context, name string, l load) error {
	l.addr, l.key = s.addr, key
	watching, stop := context.WithCancel(ctx)
	watched := make(chan struct{})
	go func() {
		s.sample(watching, name, l.duration)
		close(watched)
	}()
	r, err := l.run(ctx)
	stop()
	<-watched
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	s.stored += r.statuses[http.StatusOK]
	drained, err := s.watch(ctx, name+" is worked off", 5*time.Minute, nothing, busyConsumers...)
	if err != nil {
		return err
	}
	fmt.Printf("  %-6s %7.0f a second for %v: answers %v, p50 %.1f ms, p99 %.1f ms, longest %.0f ms; worked off after %.1f s; RSS of ingest %.0f MiB, of the worker %.0f MiB\n",
		name, r.perSecond, l.duration, r.statuses, milliseconds(r.p50), milliseconds(r.p99), milliseconds(r.max), drained.Seconds(), s.ingest.rss(), s.worker.rss())
	return judgeSoak(name, r)
}

func judgeSoak(name string, r loadResult) error {
	var broken []error
	for status, n := range r.statuses {
		if status != http.StatusOK && status != http.StatusServiceUnavailable {
			broken = append(broken, fmt.Errorf("%s: %d answers are %d", name, n, status))
		}
	}
	if r.max > answerWithin {
		broken = append(broken, fmt.Errorf("%s: an answer took %v", name, r.max))
	}
	return errors.Join(broken...)
}

// sample notes the memory of the programs, and shows how far the phase is.
func (s *soak) sample(ctx context.Context, name string, long time.Duration) {
	for begin := time.Now(); ctx.Err() == nil; pause(ctx, time.Second) {
		for i, c := range []*child{s.ingest, s.worker} {
			s.memory[i] = append(s.memory[i], c.rss())
		}
		fmt.Fprintf(os.Stderr, "\r\x1b[K  %s: %.0f of %.0f s, RSS %.0f and %.0f MiB", name, time.Since(begin).Seconds(), long.Seconds(), s.ingest.rss(), s.worker.rss())
	}
	fmt.Fprint(os.Stderr, "\r\x1b[K")
}

// growth is how much more memory than early in a soak is still flat, in parts.
const growth = 0.15

// flat compares the memory in the second and in the last fifth of the soak.
func (s *soak) flat() error {
	var broken []error
	for i, name := range []string{"ingest", "worker"} {
		fifth := len(s.memory[i]) / 5
		early, late := mean(s.memory[i][fifth:2*fifth]), mean(s.memory[i][4*fifth:])
		fmt.Printf("  memory of %s: %.0f MiB in the second fifth, %.0f MiB in the last\n", name, early, late)
		if late > early*(1+growth) {
			broken = append(broken, fmt.Errorf("the memory of %s grows from %.0f to %.0f MiB", name, early, late))
		}
	}
	return errors.Join(broken...)
}

func mean(values []float64) (m float64) {
	for _, v := range values {
		m += v / float64(len(values))
	}
	return m
}

// count compares the rows with the answers.
func (s *soak) count(ctx context.Context) error {
	s.worker.stop()
	rows, err := s.to.rows(ctx)
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(rows)
	fmt.Printf("  %d events answered 200, %s rows\n", s.stored, rows)
	if err != nil || n < s.stored {
		return fmt.Errorf("%d events were answered 200, there are %s rows", s.stored, rows)
	}
	return nil
}

// rss is the resident memory of the process now, in MiB.
func (c *child) rss() float64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", c.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(b))
	if len(fields) < 2 {
		return 0
	}
	pages, _ := strconv.ParseFloat(fields[1], 64) // a number, says the kernel
	return pages * float64(os.Getpagesize()) / (1 << 20)
}
