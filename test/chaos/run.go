package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/test/lab"
)

const (
	queues = 40
	// How many events come with one body that is not JSON.
	oddEvery = 200
	people   = 2_000
)

// drainWithin bounds the wait at the end: the longest that a message may rest with
// a worker that was killed, and some backing off of what failed alone.
const drainWithin = 3 * time.Minute

// Run breaks things and returns what it has seen. The report may be there beside an
// error.
func Run(ctx context.Context, cfg Config) (*Report, error) {
	h := events(cfg)
	bodies, odd := campaign(h)
	fmt.Fprintf(os.Stderr, "Seed %d: %d events in %v. The programs are built and started.\n", cfg.Seed, len(bodies), cfg.Duration)
	b, err := newHouse(ctx, cfg, h)
	if err != nil {
		return nil, err
	}
	defer b.close()
	t := &trouble{house: b, say: func(line string) { fmt.Fprintln(os.Stderr, line) }}
	s := &sender{url: b.webhook, key: signingKey, fault: t.now, answers: map[string]int{}, blamed: map[string]int{}}
	t.sender = s
	warm := len(bodies) / 20
	s.sendAll(ctx, bodies[:warm], cfg.Rate)
	if _, err := b.drain(ctx); err != nil {
		return nil, err
	}
	begun := time.Now()
	before, err := b.usage(ctx)
	if err != nil {
		return nil, err
	}
	s.forgetPause()
	if err := play(ctx, cfg, t, s, bodies[warm:]); err != nil {
		return nil, err
	}
	r := newReport(cfg, t, s, len(bodies), odd)
	r.Drained, err = b.drain(ctx)
	if err != nil {
		return r, err
	}
	if err := b.leaks(ctx, r, before, begun); err != nil {
		return r, err
	}
	return r, b.verify(ctx, r, h, bodies)
}

func events(cfg Config) *lab.History {
	n := int(cfg.Duration.Seconds() * float64(cfg.Rate) * 0.9)
	return lab.NewHistory(lab.HistoryConfig{
		Seed: cfg.Seed, People: people, Opens: n * 7 / 10, Others: n * 3 / 10, End: time.Now(), Workspace: config.DefaultWorkspace,
	})
}

// campaign returns the bodies to send, and how many of them are not JSON.
func campaign(h *lab.History) (bodies [][]byte, odd int) {
	for i := range h.Len() {
		if i%oddEvery == 0 {
			bodies = append(bodies, fmt.Appendf(nil, "this is no JSON %d", i))
			odd++
		}
		m := h.Message(i)
		bodies = append(bodies, m.Body)
	}
	return bodies, odd
}

// play sends everything while things break, and returns when all is sent and all is
// mended.
func play(ctx context.Context, cfg Config, t *trouble, s *sender, bodies [][]byte) error {
	limited, stop := context.WithTimeout(ctx, cfg.Duration)
	defer stop()
	broken := make(chan error, 1)
	go func() { broken <- t.run(limited, cfg.Seed) }()
	sent := make(chan struct{})
	go func() {
		s.sendAll(ctx, bodies, cfg.Rate)
		close(sent)
	}()
	err := <-broken
	t.say(describe(time.Since(t.start), "nothing", fmt.Sprintf("breaks any more; %d events are accepted", s.progress())))
	<-sent
	if err == nil {
		err = ctx.Err()
	}
	return err
}

// drain waits until nothing is left to handle, twice in a row.
func (b *house) drain(ctx context.Context) (took time.Duration, err error) {
	start, calm := time.Now(), 0
	err = waitFor(ctx, "everything is handled", drainWithin, func() bool {
		if lag, err := b.lag(ctx); err == nil && lag == 0 {
			calm++
		} else {
			calm = 0
		}
		return calm == 2
	})
	return time.Since(start), err
}

// usage is what each program needs while nothing happens.
func (b *house) usage(ctx context.Context) (map[*process]usage, error) {
	b.balancer.http.CloseIdleConnections()
	pause(ctx, 2*time.Second)
	list := map[*process]usage{}
	for _, p := range b.programs() {
		u, err := p.usage(ctx)
		if err != nil {
			return nil, err
		}
		list[p] = u
	}
	return list, nil
}

// allowance is how many goroutines and files more than before are no leak:
// connections that have just come back, idle ones of clients, DuckDB's file.
const allowance = 30

// leaks compares the programs with those of their kind that needed most before: which
// of the workers had opened all their connections then is chance.
func (b *house) leaks(ctx context.Context, r *Report, before map[*process]usage, begun time.Time) error {
	after, err := b.usage(ctx)
	if err != nil {
		return err
	}
	most := map[string]usage{}
	for p, u := range before {
		m := most[p.path]
		most[p.path] = usage{goroutines: max(m.goroutines, u.goroutines), files: max(m.files, u.files)}
	}
	for p, u := range after {
		if p.runsSince(begun) {
			r.Survivors++
		}
		r.Goroutines = max(r.Goroutines, u.goroutines-most[p.path].goroutines)
		r.Files = max(r.Files, u.files-most[p.path].files)
	}
	return nil
}
